/** Reads CSV as the ItemReader does: RFC 4180, each row an object of texts. */
import type { JsonValue } from '../engine';
import { StateFailed } from '../failure';

/** @param options.headers Undefined when the first row holds them. */
export function readCsv(
  text: string,
  options: { readonly delimiter: string; readonly headers: readonly string[] | undefined },
): readonly JsonValue[] {
  const rows = parseRows(text, options.delimiter);
  const headers = options.headers ?? rows.shift() ?? [];
  if (new Set(headers).size < headers.length) {
    throw new StateFailed({ error: 'States.ItemReaderFailed', cause: 'CSV headers cannot contain duplicates.' });
  }
  // Missing fields are empty, fields beyond the headers are dropped (recorded).
  return rows.map((row) => Object.fromEntries(headers.map((header, index) => [header, row[index] ?? ''])));
}

function parseRows(text: string, delimiter: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let field = '';
  let quoted = false;
  const endField = (): void => {
    row.push(field);
    field = '';
  };
  const endRow = (): void => {
    endField();
    // An empty line is no row.
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
  };
  for (let index = 0; index < text.length; index++) {
    const character = text[index]!;
    if (quoted) {
      if (character !== '"') field += character;
      else if (text[index + 1] === '"') field += text[++index]!;
      else quoted = false;
    } else if (character === '"' && field === '') quoted = true;
    else if (character === delimiter) endField();
    else if (character === '\n') endRow();
    else if (character !== '\r' || text[index + 1] !== '\n') field += character;
  }
  if (field !== '' || row.length > 0) endRow();
  return rows;
}
