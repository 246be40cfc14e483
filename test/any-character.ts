/** Any character of Unicode, for texts of fast-check. Its own unit `binary` says the same, but makes a list of all of them in each
 * test file, which takes a second. */
import fc from 'fast-check';

export const anyCharacter: fc.Arbitrary<string> = fc
  .integer({ min: 0, max: 0x10_ffff })
  .filter((code) => code < 0xd800 || code > 0xdfff)
  .map(
    (code) => String.fromCodePoint(code),
    (character) => {
      if (typeof character !== 'string' || [...character].length !== 1) throw new Error('This is not one character');
      return character.codePointAt(0)!;
    },
  );
