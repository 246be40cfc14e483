/** Texts that somebody who wants to do harm would choose: the fixed ones, and what fast-check makes of them. */
import fc from 'fast-check';

/** A command that says it was run; whoever evaluates one of these texts runs it. */
export const canary = 'canary-of-the-tests';

/** One of each kind, as a key or a part of one. */
export const fixedTexts: readonly string[] = [
  `it's`,
  `"quoted"`,
  `$(${canary})`,
  `\`${canary}\``,
  `\${IFS}${canary}`,
  `; ${canary};`,
  `&& ${canary} &`,
  `| ${canary}`,
  `';${canary};'`,
  `";${canary};"`,
  `$'\\x27;${canary}'`,
  `<(${canary})`,
  `a\nb`,
  `a\r\nb`,
  `\n{"level":"ERROR","message":"forged"}\n`,
  `ends with line feeds\n\n`,
  '-rf',
  '--cli-input-json',
  '--endpoint-url=http://127.0.0.1',
  '../../../etc/passwd',
  '..',
  '/absolute//path/',
  'file:///etc/passwd',
  'fileb:///etc/passwd',
  'http://127.0.0.1/key',
  's3://other/key',
  '{{ ssm:parameter }}',
  '{{OperationId}}',
  '{% $states.context.Execution.Id %}',
  '{% $error("evaluated") %}',
  'a\0b',
  '\ud800 half of a pair',
  'x'.repeat(1024),
  'ä'.repeat(512),
  '€'.repeat(341) + 'x',
  '\u202egnp.exe',
  'zero\u200bwidth\u200d\ufeff',
  'line\u2028separator\u2029',
  '*',
  '?',
  '${aws:username}',
  'arn:aws:s3:::*/*',
  '#owner = :me',
  ':me OR attribute_exists(pk)',
  'version#1',
  '" & $error("evaluated") & "',
  '`version-id`',
  '$$.Execution.Id',
  'States.Format',
  '%2e%2e%2f',
  '%00',
  '+ +',
  '\\',
  '\\n\\0',
  '\u001b[2J\u001b]0;title\u0007',
  '\u0085\u009b31m',
  '__proto__',
  'constructor',
  'toString',
  '=cmd()',
  '&lt;![CDATA[<script>alert(1)</script>]]>',
  ' leading and trailing ',
  '日本語 🎉',
  'e\u0301 and \u00e9',
];

/** Any text that may be somebody's idea of an object key: 1 to 1,024 bytes if S3 takes it at all. */
export const hostileText: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...fixedTexts.filter((text) => text.length < 100)) },
      { weight: 3, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 24 }) },
      { weight: 2, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 24 }) },
      {
        weight: 1,
        arbitrary: fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)), maxLength: 8 }),
      },
      { weight: 1, arbitrary: fc.constantFrom('/', '//', '.', '-', ' ', '\t', '\u007f') },
    ),
    { minLength: 1, maxLength: 6 },
  )
  .map((parts) => parts.join(''));

/** S3 takes keys of 1 to 1,024 bytes of UTF-8. */
export function isPossibleKey(text: string): boolean {
  const bytes = Buffer.from(text);
  return bytes.length >= 1 && bytes.length <= 1024 && bytes.toString() === text;
}
