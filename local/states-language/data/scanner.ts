/** Reads the text of a path or a function call from left to right. */
import { SyntaxProblem } from './states-error';

export class Scanner {
  position = 0;

  constructor(readonly text: string) {}

  get isAtEnd(): boolean {
    return this.position >= this.text.length;
  }

  peek(): string {
    return this.text.charAt(this.position);
  }

  skipSpaces(): void {
    while (/\s/.test(this.peek())) this.position++;
  }

  /** Takes the token when it comes next. */
  take(token: string): boolean {
    if (!this.text.startsWith(token, this.position)) return false;
    this.position += token.length;
    return true;
  }

  /** Takes the token after any spaces. */
  takeWord(token: string): boolean {
    this.skipSpaces();
    return this.take(token);
  }

  expect(token: string): void {
    if (!this.takeWord(token)) this.fail(`expected '${token}'`);
  }

  /** Takes what the pattern matches here, or nothing. */
  match(pattern: RegExp): string | undefined {
    const sticky = new RegExp(pattern.source, `${pattern.flags.replace('y', '')}y`);
    sticky.lastIndex = this.position;
    const found = sticky.exec(this.text)?.[0];
    if (found !== undefined) this.position += found.length;
    return found;
  }

  /** Takes a quoted text; a backslash makes the next character plain.
   * @param readEscape What `\x` stands for; by default `x`. */
  quoted(quote: string, readEscape: (escaped: string) => string = (escaped) => escaped): string {
    this.expect(quote);
    let value = '';
    while (!this.take(quote)) {
      if (this.isAtEnd) this.fail('a quoted text does not end');
      const isEscape = this.take('\\');
      const character = this.peek();
      this.position++;
      value += isEscape ? readEscape(character) : character;
    }
    return value;
  }

  fail(reason: string): never {
    throw new SyntaxProblem(`${reason}, at character ${this.position + 1} of '${this.text}'`);
  }
}
