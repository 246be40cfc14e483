/** Compares what the engine did with what was recorded, by the rules that the recorded set's README gives. */

/** Members common to all kinds of cases. */
export interface RecordedCase {
  readonly id: string;
  readonly area: string;
  readonly kind: 'execution' | 'validation' | 'test-state' | 'variable-references';
  /** What the case shows, in one sentence: in our own cases. */
  readonly rule?: string;
  readonly expected: Readonly<Record<string, unknown>>;
  /** Tokens in `expected` that stand for any text. */
  readonly placeholders?: readonly string[];
  /** Places in `expected` that are not compared. */
  readonly ignore?: readonly string[];
  /** The order of events was chance: they are compared as a multiset, without ids. */
  readonly unordered?: boolean;
}

/** What a case came to: `null` where the question does not arise. */
export interface Verdict {
  readonly outcome: boolean;
  readonly errors: boolean | null;
  readonly types: boolean | null;
  readonly history: boolean | null;
  /** Where the first difference is. */
  readonly at: string | undefined;
}

type Members = Readonly<Record<string, unknown>>;

interface Rules {
  readonly ignore: ReadonlySet<string>;
  readonly placeholders: readonly string[];
}

/** Compares an execution. */
export function compareExecution(testCase: RecordedCase, actual: Members): Verdict {
  const { expected } = testCase;
  const rules = rulesOf(testCase);
  const succeeds = expected['status'] === 'SUCCEEDED';
  const isStatusEqual = expected['status'] === actual['status'];
  const statusDifference = isStatusEqual ? undefined : `$.status (${String(actual['status'])})`;
  const outcome = statusDifference ?? (succeeds ? memberDifference('output', expected, actual, rules) : undefined);
  const errors = succeeds
    ? undefined
    : (statusDifference ??
      memberDifference('error', expected, actual, rules) ??
      memberDifference('cause', expected, actual, rules));
  const verdict = { outcome: outcome === undefined, errors: succeeds ? null : errors === undefined };
  const history = expected['history'] as readonly Members[] | undefined;
  if (history === undefined) return { ...verdict, types: null, history: null, at: outcome ?? errors };
  const events = (actual['history'] ?? []) as readonly Members[];
  const typesOf = (list: readonly Members[]): string => {
    const types = list.map(({ type }) => String(type));
    return (testCase.unordered ? types.sort() : types).join();
  };
  const difference = historyDifference(history, events, rules, testCase.unordered === true);
  const at = outcome ?? errors ?? difference;
  return { ...verdict, types: typesOf(history) === typesOf(events), history: difference === undefined, at };
}

/** Compares an API response: the verdict or status with the output first, then everything. */
export function compareResponse(testCase: RecordedCase, actual: Members): Verdict {
  const { expected } = testCase;
  const rules = rulesOf(testCase);
  const all = difference(expected, actual, rules);
  const verdictOf = (response: Members): unknown => {
    const { error, result, status } = response as { error?: { code: string }; result?: string; status?: string };
    if (testCase.kind === 'validation') return error !== undefined || result === 'FAIL';
    return error === undefined ? status : error.code;
  };
  const outcome =
    verdictOf(expected) !== verdictOf(actual)
      ? '$.status'
      : ['output', 'nextState', 'variableReferences']
          .map((name) => memberDifference(name, expected, actual, rules))
          .find((found) => found !== undefined);
  return { outcome: outcome === undefined, errors: all === undefined, types: null, history: null, at: outcome ?? all };
}

function rulesOf({ ignore, placeholders }: RecordedCase): Rules {
  return { ignore: new Set(ignore), placeholders: placeholders ?? [] };
}

function memberDifference(name: string, expected: Members, actual: Members, rules: Rules): string | undefined {
  const path = `$.${name}`;
  if (expected[name] === undefined) return actual[name] === undefined || actual[name] === null ? undefined : path;
  return actual[name] === undefined ? path : difference(expected[name], actual[name], rules, path);
}

/** Path of the first difference; undefined when there is none. */
export function difference(expected: unknown, actual: unknown, rules: Rules, path = '$'): string | undefined {
  if (rules.ignore.has(path)) return undefined;
  if (typeof expected === 'string' && typeof actual === 'string') {
    return isSameText(expected, actual, rules.placeholders) ? undefined : path;
  }
  // A cause that was JSON text is recorded parsed.
  if (typeof actual === 'string') {
    const parsed = parse(actual);
    return parsed === undefined || typeof parsed === 'string' ? path : difference(expected, parsed, rules, path);
  }
  if (Array.isArray(expected)) return listDifference(expected, actual, rules, path);
  if (typeof expected === 'object' && expected !== null) {
    return objectDifference(expected as Members, actual, rules, path);
  }
  return Object.is(expected, actual) || expected === actual ? undefined : path;
}

function listDifference(expected: readonly unknown[], actual: unknown, rules: Rules, path: string): string | undefined {
  if (!Array.isArray(actual) || actual.length !== expected.length) return path;
  return firstOf(expected.keys(), (index) => difference(expected[index], actual[index], rules, `${path}[${index}]`));
}

function objectDifference(expected: Members, actual: unknown, rules: Rules, path: string): string | undefined {
  if (typeof actual !== 'object' || actual === null || Array.isArray(actual)) return path;
  const members = actual as Members;
  return firstOf(new Set([...Object.keys(expected), ...Object.keys(members)]), (name) => {
    const place = /^[A-Za-z_]\w*$/.test(name) ? `${path}.${name}` : `${path}[${JSON.stringify(name)}]`;
    if (rules.ignore.has(place)) return undefined;
    if (!(name in expected) || !(name in members)) return place;
    return difference(expected[name], members[name], rules, place);
  });
}

function firstOf<Item>(items: Iterable<Item>, find: (item: Item) => string | undefined): string | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

const timestamp = /[1-9]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?(?:\d\d)?)/g;

/** Recordings have every ISO-8601 timestamp replaced by `date`; placeholders stand for any text. */
function isSameText(expected: string, actual: string, placeholders: readonly string[]): boolean {
  const dated = expected.replace(timestamp, 'date');
  const actualDated = actual.replace(timestamp, 'date');
  if (expected === actual || dated === actualDated) return true;
  const used = placeholders.filter((token) => expected.includes(token)).sort((a, b) => b.length - a.length);
  if (used.length === 0) return false;
  const parts = dated.split(new RegExp(used.map(escapePattern).join('|')));
  return new RegExp(`^${parts.map(escapePattern).join('[^]+?')}$`).test(actualDated);
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function historyDifference(
  expected: readonly Members[],
  actual: readonly Members[],
  rules: Rules,
  isUnordered: boolean,
): string | undefined {
  const expectedEvents = expected.map((event) => plainEvent(event, (value) => value));
  const actualEvents = actual.map((event) => plainEvent(event, parseIfText));
  if (expectedEvents.length !== actualEvents.length) return '$.history';
  if (!isUnordered) {
    return firstOf(expectedEvents.keys(), (index) =>
      difference(expectedEvents[index], actualEvents[index], rules, `$.history[${index}]`),
    );
  }
  const withoutIds = (event: Members): Members => ({ ...event, id: 0, previousEventId: 0 });
  const left = actualEvents.map(withoutIds);
  return firstOf(expectedEvents.keys(), (index) => {
    const place = `$.history[${index}]`;
    const wanted = withoutIds(expectedEvents[index]!);
    const found = left.findIndex((event) => difference(wanted, event, rules, place) === undefined);
    if (found < 0) return place;
    left.splice(found, 1);
    return undefined;
  });
}

const uncompared = new Set(['inputDetails', 'outputDetails', 'assignedVariablesDetails', 'roleArn']);
const jsonText = new Set(['input', 'output', 'parameters']);

function parseIfText(value: unknown): unknown {
  const parsed = typeof value === 'string' ? parse(value) : undefined;
  return parsed === undefined ? value : parsed;
}

/** An event without what recordings leave out, and with its JSON texts parsed. */
function plainEvent(event: Members, read: (value: unknown) => unknown): Members {
  const plain: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(event)) {
    if (name === 'timestamp' || value === undefined) continue;
    if (!name.endsWith('EventDetails')) plain[name] = value;
    else {
      const details = plainDetails(value as Members, read);
      if (Object.keys(details).length > 0) plain[name] = details;
    }
  }
  return plain;
}

function plainDetails(details: Members, read: (value: unknown) => unknown): Members {
  const plain: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(details)) {
    if (uncompared.has(name) || value === undefined) continue;
    if (jsonText.has(name)) plain[name] = read(value);
    else if (name !== 'assignedVariables') plain[name] = value;
    else plain[name] = Object.fromEntries(Object.entries(value as Members).map(([key, text]) => [key, read(text)]));
  }
  return plain;
}
