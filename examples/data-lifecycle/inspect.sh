# Inspects the log of the temperature loggers of one tour: where the goods were too warm, too cold, or not measured at all.
# Runs on the instance: bash, awk and sort are all it needs.
#
# In:  $OBJECT_FILE, CSV with the header time,sensor,celsius; times in UTC (2026-01-31T08:15:00Z), in order for each sensor
# Out: $RESULTS_DIR/excursions.csv  every excursion: sensor, kind, from, to, minutes, extreme
#      $RESULTS_DIR/summary.csv     one line per sensor, with its verdict
#      $RESULTS_DIR/chart.svg       all curves, with the band in which they have to stay
# Exit code 65 rejects the file: standard error says which lines are wrong and what is accepted.
set -euo pipefail
# Bytes, not characters: every awk then sorts and matches alike.
export LC_ALL=C

if [ "$(tr -dc '\000' <"$OBJECT_FILE" | wc -c)" -gt 0 ]; then
  echo 'the file holds NUL bytes, so it is not text; accepted: CSV in UTF-8' >&2
  exit 65
fi

# Vaccines and most refrigerated medicines: 2 to 8 °C. A logger that says nothing for longer than 15 minutes has a gap.
awk -F , -v coldest=200 -v warmest=800 -v longest_gap=15 '
  function reject(line, what, accepted) {
    rejections++
    if (rejections <= 8) print "line " line ": " what "; accepted: " accepted > "/dev/stderr"
  }

  # A value as a message shows it: short and printable.
  function shown(value) {
    gsub(/[^ -~]/, "?", value)
    return "\"" substr(value, 1, 40) "\""
  }

  # Seconds since 1970, -1 for what is no instant. Days by the civil calendar, so that every awk agrees.
  function instant(text,   year, month, day, shifted, last) {
    if (text !~ /^[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9]Z$/) return -1
    year = substr(text, 1, 4) + 0; month = substr(text, 6, 2) + 0; day = substr(text, 9, 2) + 0
    last = month == 2 ? (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28) : (month == 4 || month == 6 || month == 9 || month == 11) ? 30 : 31
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > last) return -1
    if (substr(text, 12, 2) + 0 > 23 || substr(text, 15, 2) + 0 > 59 || substr(text, 18, 2) + 0 > 59) return -1
    shifted = month > 2 ? year : year - 1
    day = 365 * shifted + int(shifted / 4) - int(shifted / 100) + int(shifted / 400) + int((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1 - 719468
    return day * 86400 + substr(text, 12, 2) * 3600 + substr(text, 15, 2) * 60 + substr(text, 18, 2)
  }

  # Whole hundredths of a degree, which awk adds without error.
  function hundredths(text,   sign, parts) {
    sign = text ~ /^-/ ? -1 : 1
    sub(/^-/, "", text)
    parts[2] = ""
    split(text, parts, ".")
    return sign * (parts[1] * 100 + substr(parts[2] "00", 1, 2))
  }

  function degrees(value,   sign) {
    value = sprintf("%.0f", value) + 0
    sign = value < 0 ? "-" : ""
    if (value < 0) value = -value
    return sprintf("%s%d.%02d", sign, int(value / 100), value % 100)
  }

  function excursion(sensor, kind, from, to, seconds, extreme) {
    print sensor "," kind "," from "," to "," int((seconds + 59) / 60) "," extreme > excursions
    minutes[sensor] += int((seconds + 59) / 60)
    count++
  }

  function close_excursion(sensor) {
    if (kind_of[sensor] == "") return
    excursion(sensor, kind_of[sensor], began[sensor], ended[sensor], ended_at[sensor] - began_at[sensor], degrees(extreme[sensor]))
    kind_of[sensor] = ""
  }

  BEGIN {
    folder = ENVIRON["RESULTS_DIR"]
    excursions = folder "/excursions.csv.unsorted"; summary = folder "/summary.csv"; chart = folder "/chart.svg"
    printf "" > excursions
  }
  NR == 1 { sub(/^\357\273\277/, "") }
  { sub(/\r$/, "") }
  NR == 1 {
    if ($0 != "time,sensor,celsius") { reject(1, "the header is " shown($0), "time,sensor,celsius"); exit }
    next
  }
  $0 == "" { next }
  {
    at = instant($1)
    before = rejections
    if (NF != 3) reject(NR, NF " fields", "time,sensor,celsius")
    else if (at < 0) reject(NR, "time is " shown($1), "an instant in UTC, as 2026-01-31T08:15:00Z")
    else if ($2 !~ /^[A-Za-z0-9][A-Za-z0-9_-]*$/ || length($2) > 32) reject(NR, "sensor is " shown($2), "at most 32 letters, digits, hyphens and underscores")
    else if ($3 !~ /^-?[0-9]+([.][0-9][0-9]?)?$/ || length($3) > 7) reject(NR, "celsius is " shown($3), "degrees as 5.4, with at most two decimals")
    else if ($2 in last_at && at <= last_at[$2]) reject(NR, "time is " shown($1) ", not after the one before it of " $2, "lines in order of time for each sensor")
    if (rejections > before) next

    sensor = $2; value = hundredths($3)
    if (!(sensor in samples)) {
      if (++sensors > 64) { reject(NR, "a sensor too many: " shown(sensor), "at most 64 sensors in a file"); exit }
      sensor_name[sensors] = sensor
      first_time[sensor] = $1
      lowest[sensor] = highest[sensor] = value
    } else if (at - last_at[sensor] > longest_gap * 60) {
      close_excursion(sensor)
      excursion(sensor, "no data", last_time[sensor], $1, at - last_at[sensor], "")
    }
    kind = value > warmest ? "too warm" : value < coldest ? "too cold" : ""
    if (kind != kind_of[sensor]) {
      close_excursion(sensor)
      if (kind != "") { kind_of[sensor] = kind; began[sensor] = $1; began_at[sensor] = at; extreme[sensor] = value }
    }
    if (kind != "") {
      ended[sensor] = $1; ended_at[sensor] = at
      if (kind == "too warm" ? value > extreme[sensor] : value < extreme[sensor]) extreme[sensor] = value
    }
    if (value < lowest[sensor]) lowest[sensor] = value
    if (value > highest[sensor]) highest[sensor] = value
    sum[sensor] += value; samples[sensor]++
    last_at[sensor] = at; last_time[sensor] = $1
    points[sensor, samples[sensor]] = at " " value
    if (total == 0 || at < start) start = at
    if (total++ == 0 || at > end) end = at
  }

  END {
    if (NR == 0) reject(1, "the file is empty", "the header time,sensor,celsius, and measurements below it")
    else if (total == 0 && rejections == 0) reject(2, "there are no measurements below the header", "at least one")
    if (rejections > 8) print "and " rejections - 8 " more lines" > "/dev/stderr"
    if (rejections > 0) exit 65
    for (number = 1; number <= sensors; number++) {
      sensor = sensor_name[number]
      close_excursion(sensor)
      print sensor "," samples[sensor] "," first_time[sensor] "," last_time[sensor] "," degrees(lowest[sensor]) "," degrees(sum[sensor] / samples[sensor]) "," degrees(highest[sensor]) "," minutes[sensor] + 0 "," (minutes[sensor] ? "excursion" : "in range") > (summary ".unsorted")
    }
    draw()
    print sensors " sensors, " total " measurements, " count + 0 " excursions"
  }

  function x(at) { return 50 + (end > start ? (at - start) / (end - start) : 0) * 730 }
  function y(value) { return sprintf("%.1f", 230 - (value < -500 ? -500 : value > 2000 ? 2000 : value) / 10 * 0.8) }

  # At most some 365 points a curve: more are not seen.
  function draw(   number, sensor, index_, step, pair, path) {
    print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 800 300\" role=\"img\" aria-label=\"Temperatures, with the band from 2 to 8 °C\" font-family=\"system-ui, sans-serif\" font-size=\"11\">" > chart
    print "<rect width=\"800\" height=\"300\" fill=\"#fff\"/>" > chart
    printf "<rect x=\"50\" y=\"%s\" width=\"730\" height=\"%s\" fill=\"#dcefe2\"/>\n", y(warmest), y(coldest) - y(warmest) > chart
    for (value = -400; value <= 2000; value += 400) printf "<text x=\"44\" y=\"%.1f\" text-anchor=\"end\" fill=\"#555\">%d °C</text>\n", y(value) + 4, value / 100 > chart
    for (number = 1; number <= sensors; number++) {
      sensor = sensor_name[number]
      step = int(samples[sensor] / 365) + 1
      path = ""
      for (index_ = 1; index_ <= samples[sensor]; index_ += step) {
        split(points[sensor, index_], pair, " ")
        path = path sprintf("%.1f,%s ", x(pair[1]), y(pair[2] + 0))
      }
      printf "<polyline fill=\"none\" stroke=\"hsl(%d 65%% 38%%)\" stroke-width=\"1.5\" points=\"%s\"/>\n", (number * 137) % 360, path > chart
      if (number <= 12) printf "<text x=\"%d\" y=\"290\" fill=\"hsl(%d 65%% 38%%)\">%s</text>\n", 50 + (number - 1) % 12 * 61, (number * 137) % 360, substr(sensor, 1, 9) > chart
    }
    print "</svg>" > chart
  }
' "$OBJECT_FILE"

# One order, whatever order the loggers were read in: the same measurements give the same bytes.
{
  echo 'sensor,kind,from,to,minutes,extreme'
  sort -t , -k 3,3 -k 1,1 "$RESULTS_DIR/excursions.csv.unsorted"
} >"$RESULTS_DIR/excursions.csv"
{
  echo 'sensor,samples,from,to,minimum,mean,maximum,excursion_minutes,verdict'
  sort -t , -k 1,1 "$RESULTS_DIR/summary.csv.unsorted"
} >"$RESULTS_DIR/summary.csv"
rm "$RESULTS_DIR/excursions.csv.unsorted" "$RESULTS_DIR/summary.csv.unsorted"
