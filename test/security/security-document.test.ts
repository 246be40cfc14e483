/** SECURITY.md names the tests that show its claims: each of them exists. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(__dirname, '../..');
const text = readFileSync(join(root, 'SECURITY.md'), 'utf8');
const threats = /^## Threats[^]*?(?=^## )/m.exec(text)![0];
const named = [...threats.matchAll(/^\| .* \| `(.*)` +\|$/gm)].map(([, title]) => title!);

const titles = new Set(
  readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .flatMap((name) => [
      ...readFileSync(join(root, 'test', name), 'utf8').matchAll(
        /\b(?:test|it)(?:\.each\([^]*?\))?\(\s*'((?:[^'\\]|\\.)*)'/g,
      ),
    ])
    .map(([, title]) => title!),
);

test('names tests for its threats', () => {
  expect(named.length).toBeGreaterThanOrEqual(15);
  expect(threats.split('\n').filter((line) => line.startsWith('| ')).length).toBe(named.length + 2);
});

test.each(named)('names a test that exists: %s', (title) => {
  expect([...titles]).toContain(title);
});
