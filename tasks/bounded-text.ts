/** Cuts texts of unknown length without leaving half of a character: services refuse JSON with half of a surrogate pair. */

/** The beginning of a text.
 * @param length Most UTF-16 units, as `String.length` counts them. */
export function beginningOf(text: string, length: number): string {
  return withoutHalves(text.slice(0, length));
}

/** The end of a text.
 * @param length Most UTF-16 units, as `String.length` counts them. */
export function endOf(text: string, length: number): string {
  return withoutHalves(text.slice(-length));
}

function withoutHalves(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}
