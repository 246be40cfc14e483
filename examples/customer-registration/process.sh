# Makes a preview and a text extract of one attachment: preview.svg and text.txt. Needs bash and the tools of any Unix system;
# with poppler (pdftotext, pdftoppm) PDF documents are read as well. Exit code 65 rejects what is not what it says.
set -euo pipefail
export LC_ALL=C

readonly shown_lines=40 shown_characters=90 longest_text=1048576
type=${OBJECT_CONTENT_TYPE%%;*}
text="$RESULTS_DIR/text.txt"
preview="$RESULTS_DIR/preview.svg"

reject() {
  printf '%s\n' "$1" >&2
  exit 65
}

first_bytes() { head -c "$1" "$OBJECT_FILE" | od -An -v -tx1 | tr -d ' \n'; }

# What SVG would take for markup, and what XML does not allow.
escape() { tr -d '\000-\010\013\014\016-\037\177' | sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/>/\&gt;/g'; }

svg_begin() {
  printf '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 %s" width="640" height="%s">\n' "$1" "$1"
  printf '<rect width="640" height="%s" fill="#fff"/>\n' "$1"
}

# The first lines as they look on paper.
draw_text() {
  {
    svg_begin 800
    printf '<g font-family="monospace" font-size="11" fill="#222">\n'
    local line number=0
    while IFS= read -r line && ((number < shown_lines)); do
      number=$((number + 1))
      printf '<text x="16" y="%s" xml:space="preserve">%s</text>\n' "$((number * 19))" "$line"
    done < <(head -n "$shown_lines" "$text" | cut -c "1-$shown_characters" | utf8_only | escape)
    printf '</g>\n</svg>\n'
  } >"$preview"
}

# Cutting bytes may leave half a character: whatever is not whole is left out.
utf8_only() { if command -v iconv >/dev/null; then iconv -c -f UTF-8 -t UTF-8 || true; else tr -d '\200-\377'; fi; }

# The picture itself, scaled by whoever shows it.
draw_picture() {
  {
    svg_begin 480
    printf '<image width="640" height="480" href="data:%s;base64,' "$1"
    base64 <"$2" | tr -d '\n'
    printf '"/>\n</svg>\n'
  } >"$preview"
}

take_text() {
  if command -v iconv >/dev/null && ! iconv -f UTF-8 -t UTF-8 "$OBJECT_FILE" >/dev/null 2>&1; then
    reject 'The text is not UTF-8; accepted: UTF-8'
  fi
  # Written out: a byte that ends text in some languages never stands in it.
  if [ "$(head -c 65536 "$OBJECT_FILE" | tr -d '\000' | wc -c)" -ne "$(head -c 65536 "$OBJECT_FILE" | wc -c)" ]; then
    reject 'The text holds NUL bytes; accepted: text'
  fi
  head -c "$longest_text" "$OBJECT_FILE" >"$text"
  draw_text
}

take_picture() {
  printf 'A picture (%s, %s bytes): it holds no text.\n' "$type" "$(wc -c <"$OBJECT_FILE" | tr -d ' ')" >"$text"
  draw_picture "$type" "$OBJECT_FILE"
}

take_document() {
  if ! command -v pdftotext >/dev/null; then
    printf 'A PDF document: reading it takes poppler, which this machine does not have.\n' >"$text"
    draw_text
    return
  fi
  pdftotext -l 200 -enc UTF-8 "$OBJECT_FILE" - 2>/dev/null | head -c "$longest_text" >"$text" ||
    reject 'The PDF document cannot be read; accepted: documents that are whole and need no password'
  if pdftoppm -f 1 -l 1 -scale-to 640 -png -singlefile "$OBJECT_FILE" page 2>/dev/null; then
    draw_picture image/png page.png
  else
    draw_text
  fi
}

case $type in
  text/plain | text/csv) take_text ;;
  image/png) [ "$(first_bytes 8)" = 89504e470d0a1a0a ] || reject 'The file is no PNG picture' && take_picture ;;
  image/jpeg) [ "$(first_bytes 3)" = ffd8ff ] || reject 'The file is no JPEG picture' && take_picture ;;
  application/pdf) [ "$(first_bytes 5)" = 255044462d ] || reject 'The file is no PDF document' && take_document ;;
  *) reject "The type $type is not accepted; accepted: text, CSV, PDF, PNG, JPEG" ;;
esac
