/** The README in its two languages: both name the same tests, commands and code, and every test that they name exists. */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(__dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const english = read('README.md');
const portuguese = read('README.pt-BR.md');

/** The parts of the two stories: `file`, then the title of the test. */
function shownBy(text: string): { readonly file: string; readonly title: string }[] {
  return [...text.matchAll(/\| `([^`]+\.test\.ts)`: (.+?) +\|$/gm)].map(([, file, title]) => ({
    file: file!,
    title: title!,
  }));
}

test.each(shownBy(english).map(({ file, title }) => [title, file]))(
  'a test shows what the README says: %s',
  (title, file) => {
    expect(existsSync(join(root, file))).toBe(true);
    expect(titlesOf(read(file))).toContain(title);
  },
);

describe('README.pt-BR.md', () => {
  test('names the same tests', () => {
    expect(shownBy(english).length).toBeGreaterThan(10);
    expect(shownBy(portuguese)).toEqual(shownBy(english));
  });

  test('holds the same code, commands and output', () => {
    expect(codeBlocks(portuguese)).toEqual(codeBlocks(english));
  });

  test('has the same sections, and tables of the same shape with the same names in code', () => {
    expect(headings(portuguese)).toEqual(headings(english));
    expect(tables(portuguese)).toEqual(tables(english));
  });

  test('leads to the same places', () => {
    const targets = (text: string) => [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target).slice(1);
    expect(targets(portuguese)).toEqual(targets(english));
  });

  test('is another language: no paragraph is left as it was', () => {
    const paragraphs = (text: string) =>
      text
        .replace(/^```[\s\S]*?^```/gm, '')
        .split(/\n\s*\n/)
        .filter((paragraph) => /[a-z]{3,} [a-z]{2,} [a-z]{2,}/.test(paragraph) && !paragraph.startsWith('|'));
    expect(paragraphs(portuguese).filter((paragraph) => paragraphs(english).includes(paragraph))).toEqual([]);
  });
});

/** A title stands after `test(`, `it(` or a variant of them. */
function titlesOf(source: string): string[] {
  return [...source.matchAll(/\b(?:test|it|inBrowser)(?:\.\w+)*\(\s*(['"`])(.+?)\1,/g)].map(([, , title]) => title!);
}

function codeBlocks(text: string): string[] {
  return [...text.matchAll(/^```[\s\S]*?^```/gm)].map(([block]) => block);
}

/** Depths of the headings, in order. */
function headings(text: string): number[] {
  return [...text.replace(/^```[\s\S]*?^```/gm, '').matchAll(/^(#+) /gm)].map(([, marks]) => marks!.length);
}

/** What stands between backticks in each row of each table, and how many cells the row has. */
function tables(text: string): string[] {
  return [...text.matchAll(/^\|.*\|$/gm)].map(([row]) => {
    const cells = row.split(/(?<!\\)\|/).length - 2;
    const names = [...row.matchAll(/`([^`]+)`/g)].map(([, name]) => name!.trim()).sort();
    return /^\|[\s:|-]+\|$/.test(row) ? 'line' : `${cells}: ${names.join(' ')}`;
  });
}
