# Turns one CSV of sales into a report per product and month. Runs on the instance: bash, awk and sort are all it needs.
#
# In:  $OBJECT_FILE, CSV as in RFC 4180 (UTF-8) with at least the columns date, product, units and unit_price.
# Out: $RESULTS_DIR/report.csv   product, month, units, revenue; sorted, one line per product and month
#      $RESULTS_DIR/report.md    the totals, to be read
#      $RESULTS_DIR/summary.json the totals, for programs
# Exit code 65 rejects the file: standard error says which lines are wrong and what is accepted.
set -euo pipefail
# Bytes, not characters: every awk then counts, sorts and matches alike.
export LC_ALL=C

readonly REJECT=65

if [ "$(tr -dc '\000' <"$OBJECT_FILE" | wc -c)" -gt 0 ]; then
  echo 'the file holds NUL bytes, so it is not text in UTF-8; accepted: CSV saved as "CSV UTF-8"' >&2
  exit $REJECT
fi

# First pass: one line per product and month: product, month, units, cents, separated by tabs.
# Amounts are whole cents, which awk adds without error up to 2^53.
sums=$(awk -v reject_code=$REJECT '
  function reject(line, what, accepted) {
    rejections++
    if (rejections <= 8) print "line " line ": " what "; accepted: " accepted > "/dev/stderr"
  }

  # A value as a message shows it: short, on one line, and not cut inside a character.
  function shown(value) {
    gsub(/[\n\t]/, " ", value)
    if (length(value) > 60) {
      value = substr(value, 1, 60)
      sub(/[\300-\377][\200-\277]*$/, "", value)
      value = value "..."
    }
    return "\"" value "\""
  }

  function is_utf8(text) {
    gsub(/[\302-\337][\200-\277]|[\340-\357][\200-\277][\200-\277]|[\360-\364][\200-\277][\200-\277][\200-\277]/, "", text)
    return text !~ /[\200-\377]/
  }

  function is_date(text,   year, month, day, last) {
    if (text !~ /^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]$/) return 0
    year = substr(text, 1, 4) + 0; month = substr(text, 6, 2) + 0; day = substr(text, 9, 2) + 0
    last = month == 2 ? (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28) : (month == 4 || month == 6 || month == 9 || month == 11) ? 30 : 31
    return month >= 1 && month <= 12 && day >= 1 && day <= last
  }

  function cents_of(amount,   parts) {
    parts[2] = ""
    split(amount, parts, ".")
    return parts[1] * 100 + substr(parts[2] "00", 1, 2)
  }

  function malformed(what, accepted) {
    reject(NR, what, accepted)
    quoted = 0; count = 0; value = ""
  }

  # Takes the fields of one line; a quoted field may go on in the next line.
  function read_line(text,   at) {
    if (count == 0 && !quoted) first_line = NR
    for (;;) {
      if (quoted) {
        at = index(text, "\"")
        if (at == 0) { value = value text "\n"; return }
        value = value substr(text, 1, at - 1)
        text = substr(text, at + 1)
        if (substr(text, 1, 1) == "\"") { value = value "\""; text = substr(text, 2); continue }
        quoted = 0
        if (text != "" && substr(text, 1, 1) != ",") {
          malformed("text follows the closing quote of field " (count + 1) ": " shown(text), "a comma or the end of the line; a quote inside a quoted field is written twice")
          return
        }
      } else if (substr(text, 1, 1) == "\"") {
        quoted = 1; value = ""; text = substr(text, 2)
        continue
      } else {
        at = index(text, ",")
        value = at > 0 ? substr(text, 1, at - 1) : text
        text = at > 0 ? substr(text, at) : ""
        if (index(value, "\"") > 0) {
          malformed("field " (count + 1) " holds a quote but does not begin with one: " shown(value), "the whole field in quotes, with each quote inside it written twice")
          return
        }
      }
      field[++count] = value
      value = ""
      if (text == "") { take_record(); count = 0; return }
      text = substr(text, 2)
    }
  }

  function take_record(   name, missing) {
    if (count == 1 && field[1] == "") return
    if (columns > 0) { take_sale(); return }
    columns = count
    for (name = 1; name <= count; name++) {
      if (field[name] in column) reject(first_line, "the column " shown(field[name]) " stands in the header twice", "each column once")
      column[field[name]] = name
    }
    for (name = 1; name <= 4; name++) {
      if (!(required[name] in column)) missing = missing (missing == "" ? "" : ", ") required[name]
    }
    if (missing != "") reject(first_line, "the header lacks " missing, "a header with date, product, units and unit_price, in any order, separated by commas")
    if (rejections > 0) { stopped = 1; exit reject_code }
  }

  function take_sale(   date, product, units, price, key, before) {
    before = rejections
    if (count != columns) {
      reject(first_line, count " fields", columns " fields, as in the header")
      return
    }
    date = field[column["date"]]; product = field[column["product"]]
    units = field[column["units"]]; price = field[column["unit_price"]]
    if (!is_date(date)) reject(first_line, "date is " shown(date), "a day of the calendar as YYYY-MM-DD")
    if (product == "" || product ~ /[\n\t]/) reject(first_line, "product is " shown(product), "a name without line breaks and tabs")
    if (units !~ /^-?[0-9]+$/ || length(units) > 7) reject(first_line, "units is " shown(units), "a whole number of at most 6 digits; below zero for a return")
    if (price !~ /^[0-9]+$/ && price !~ /^[0-9]+[.][0-9][0-9]?$/ || length(price) > 9) reject(first_line, "unit_price is " shown(price), "an amount such as 1234.50: a point, at most two decimals, no other signs")
    if (rejections > before) return
    key = product "\t" substr(date, 1, 7)
    units_of[key] += units
    revenue_of[key] += units * cents_of(price)
    magnitude += (units < 0 ? -units : units) * cents_of(price)
    sales++
  }

  BEGIN {
    required[1] = "date"; required[2] = "product"; required[3] = "units"; required[4] = "unit_price"
  }
  NR == 1 { sub(/^\357\273\277/, "") }
  { sub(/\r$/, "") }
  # Most lines are plain ASCII and need no closer look.
  /[^ -~]/ && !is_utf8($0) {
    reject(NR, "not UTF-8", "CSV saved as \"CSV UTF-8\"")
    stopped = 1
    exit reject_code
  }
  { read_line($0) }

  END {
    if (quoted && !stopped) reject(first_line, "a quote is opened and never closed", "as many closing as opening quotes")
    if (columns == 0 && rejections == 0) reject(1, "the file is empty", "a header with date, product, units and unit_price, and sales below it")
    if (sales == 0 && rejections == 0) reject(2, "there are no sales below the header", "at least one")
    if (magnitude > 9007199254740991) reject(NR, "the amounts are too large to be added exactly", "a total below 90 trillion")
    if (rejections > 8) print "and " rejections - 8 " more lines" > "/dev/stderr"
    if (rejections > 0) exit reject_code
    for (key in units_of) printf "%s\t%.0f\t%.0f\n", key, units_of[key], revenue_of[key]
  }
' <"$OBJECT_FILE" | sort -t $'\t' -k 1,1 -k 2,2)

# Second pass: the same sums as three files.
awk -F '\t' '
  function money(cents,   sign) {
    sign = cents < 0 ? "-" : ""
    if (cents < 0) cents = -cents
    return sprintf("%s%.0f.%02d", sign, int(cents / 100), cents % 100)
  }

  # Some awks print a large number as 1e+09 unless told otherwise.
  function whole(number) {
    return sprintf("%.0f", number)
  }

  function csv(text) {
    if (text !~ /[",]/) return text
    gsub(/"/, "\"\"", text)
    return "\"" text "\""
  }

  function markdown(text) {
    gsub(/[|]/, "\\&#124;", text)
    return text
  }

  function month_after(month,   year, number) {
    year = substr(month, 1, 4) + 0; number = substr(month, 6, 2) + 1
    if (number > 12) { year++; number = 1 }
    return sprintf("%04d-%02d", year, number)
  }

  BEGIN {
    # The names are read from the environment: -v would take a backslash in a path as an escape.
    folder = ENVIRON["RESULTS_DIR"]
    print "product,month,units,revenue" > (folder "/report.csv")
  }
  {
    print csv($1) "," $2 "," $3 "," money($4) > (folder "/report.csv")
    # Joined with "" a field is compared as text: products "1" and "1.0" are two.
    if (products == 0 || $1 "" != product[products] "") product[++products] = $1 ""
    product_units[products] += $3; product_cents[products] += $4
    month_units[$2] += $3; month_cents[$2] += $4
    if (first == "" || $2 < first) first = $2
    if ($2 > last) last = $2
    units += $3; cents += $4
  }
  END {
    report = folder "/report.md"
    print "# Sales, " first " to " last "\n" > report
    print whole(units) " units of " products " products, revenue " money(cents) ".\n" > report
    print "| Month | Units | Revenue |\n| --- | ---: | ---: |" > report
    for (month = first; month <= last; month = month_after(month)) {
      if (month in month_units) print "| " month " | " whole(month_units[month]) " | " money(month_cents[month]) " |" > report
    }
    print "\n| Product | Units | Revenue |\n| --- | ---: | ---: |" > report
    for (number = 1; number <= products; number++) {
      print "| " markdown(product[number]) " | " whole(product_units[number]) " | " money(product_cents[number]) " |" > report
    }
    summary = folder "/summary.json"
    printf "{\n  \"from\": \"%s\",\n  \"to\": \"%s\",\n  \"products\": %d,\n  \"units\": %.0f,\n  \"revenue\": \"%s\"\n}\n", first, last, products, units, money(cents) > summary
    print products " products from " first " to " last ": " whole(units) " units, revenue " money(cents)
  }
' <<<"$sums"
