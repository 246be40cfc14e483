/** Documented defaults against the code: what a docstring promises is what the construct does. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../..');
const files = ['constructs', 'workflow', 'tasks/operations'].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ path: `${folder}/${name}`, text: readFileSync(join(root, folder, name), 'utf8') })),
);

/** A value as code writes it; what else a docstring says of a default is prose. */
const value = String.raw`(?:\d+|true|false|'[^']*'|\{[^}]*\}|[A-Z]\w+\.\w+(?:\([^()]*\))?)`;

interface DocumentedDefault {
  readonly path: string;
  readonly name: string;
  readonly promised: string;
}

const documented: DocumentedDefault[] = files.flatMap(({ path, text }) =>
  [...text.matchAll(new RegExp(String.raw`@default (${value})(?=[ ,]|$)[^/]*\*/\s*readonly (\w+)\?:`, 'gm'))].map(
    ([, promised, name]) => ({ path, name: name!, promised: promised! }),
  ),
);

/** What the code of the same file takes when the member is left out; settings take theirs from the tasks' schemas. */
function takenDefaults({ path, name }: DocumentedDefault): string[] {
  const sources = files.filter((file) => file.path === path || file.path === 'tasks/operations/settings.ts');
  return sources.flatMap(({ text }) => [
    ...[...text.matchAll(new RegExp(String.raw`\b${name} (?:\?\?|=) (${value}|[a-z]\w*)`, 'g'))].map(([, taken]) =>
      constantOf(taken!, text),
    ),
    ...[...text.matchAll(new RegExp(String.raw`\b${name}: z\..*\.default\((${value})\)`, 'g'))].map(
      ([, taken]) => taken!,
    ),
  ]);
}

function constantOf(taken: string, text: string): string {
  return new RegExp(String.raw`\bconst ${taken} = (${value})`).exec(text)?.[1] ?? taken;
}

/** Defaults that no single value in the code gives, and what gives them. */
const computed: Readonly<Record<string, string>> = {
  insertedTime: 'props.insertedTime ?? Duration.hours(countInserted(props) === 0 ? 0 : 1)',
  maxCapacity: 'maxCapacity = Math.max(4, minCapacity)',
  manageNotifications: 'if (options.manageNotifications === true)',
  firstReCheck: 'const shortestIntervalSeconds = 60;',
};

test('every default that a docstring names is the one that the code takes', () => {
  expect(documented.length).toBeGreaterThan(15);
  const wrong = documented
    .filter(({ name }) => computed[name] === undefined)
    .map((one) => ({ ...one, taken: takenDefaults(one) }))
    .filter(({ promised, taken }) => !taken.includes(promised));
  expect(wrong).toEqual([]);
  expect(Object.values(computed).filter((code) => !files.some(({ text }) => text.includes(code)))).toEqual([]);
});
