/** How the command line writes durations, sizes, money and colours. */

/** `0.4 s`, `12 s`, `7 min 12 s`, `2 h 5 min`, `1 d 3 h`. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds) / 1000;
  if (seconds < 10) return `${(Math.round(seconds * 10) / 10).toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}

/** `812 bytes`, `14.2 kB`, `3.1 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1_000_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** US dollars with as many decimals as the amount needs to be told from nothing. */
export function formatDollars(dollars: number): string {
  const decimals = dollars >= 1 || dollars === 0 ? 2 : dollars >= 0.01 ? 4 : 6;
  return `$${dollars.toFixed(decimals)}`;
}

/** `1 object`, `3 objects`. */
export function formatCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Colours where the terminal shows them, else the text as it is. */
export interface Palette {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly bold: (text: string) => string;
}

/** @param isColoured False without a terminal or with NO_COLOR (no-color.org). */
export function createPalette(isColoured: boolean): Palette {
  const wrap = (code: number) => (text: string) => (isColoured ? `\u001b[${code}m${text}\u001b[0m` : text);
  return { good: wrap(32), bad: wrap(31), dim: wrap(2), bold: wrap(1) };
}

/** Text from a key, a cause or a log as one line on a terminal: what would end the line, command the terminal, be invisible
 * or turn the direction of writing is shown as its code. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`;
  });
}
