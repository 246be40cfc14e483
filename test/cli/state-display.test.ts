/** The live view of states: redrawn in place on a terminal, within its rows and columns, and without colour where that is asked for. */
import { StateDisplay, type Screen } from '../../local/cli/state-display';
import type { HistoryEvent } from '../../local/states-language/engine';

const arn = 'arn:aws:states:us-east-1:111122223333:execution:machine:one';

/** A terminal that understands what the display writes: lines, moving up, clearing below. */
class Terminal implements Screen {
  readonly isTTY = true;
  readonly lines: string[] = [];
  written = '';

  constructor(
    readonly rows: number,
    readonly columns: number,
  ) {}

  write(text: string): void {
    this.written += text;
    const [, up, rest] = /^(?:\u001b\[(\d+)A\u001b\[0J)?([^]*)$/.exec(text)!;
    if (up !== undefined) this.lines.splice(this.lines.length - Number(up));
    this.lines.push(...rest!.split('\n').slice(0, -1));
  }

  /** Without colours. */
  get shown(): string[] {
    return this.lines.map((line) => line.replace(/\u001b\[\d+m/g, ''));
  }
}

let id = 0;
function event(type: string, atMs: number, details: object = {}, previousEventId = id): HistoryEvent {
  const name = type.replace(/^(Task|Pass|Parallel)State/, 'State');
  const detailsName = `${name[0]!.toLowerCase()}${name.slice(1)}EventDetails`;
  return { id: ++id, previousEventId, timestamp: atMs, type, [detailsName]: details };
}

function showAll(display: StateDisplay, events: readonly HistoryEvent[], executionArn = arn): void {
  for (const one of events) display.show(executionArn, one);
}

const started = () => event('ExecutionStarted', 0, { input: '{"detail":{"object":{"key":"incoming/sales.csv"}}}' }, 0);

test('draws the states under the object’s name and rewrites them as they end', () => {
  const terminal = new Terminal(24, 80);
  const display = new StateDisplay(terminal, { NO_COLOR: '1' });
  showAll(display, [
    started(),
    event('TaskStateEntered', 0, { name: 'Claim object' }),
    event('TaskStateExited', 400, { name: 'Claim object' }),
  ]);
  showAll(display, [event('TaskStateEntered', 400, { name: 'Process' })]);
  display.finish();

  expect(terminal.shown).toEqual(['sales.csv', '  ✓ Claim object  0.4 s', '  ● Process  0.0 s']);
  expect(terminal.written).not.toMatch(/\u001b\[\d+m/);
});

test('says how often a wait has looked again, and with which error a state was left', () => {
  const terminal = new Terminal(24, 80);
  const display = new StateDisplay(terminal, {});
  showAll(display, [
    started(),
    event('TaskStateEntered', 0, { name: 'Process' }),
    event('TaskScheduled', 0),
    event('TaskTimedOut', 60_000, { error: 'States.Timeout' }),
    event('TaskScheduled', 61_000),
    event('TaskFailed', 90_000, { error: 'Object.Rejected' }),
    event('TaskStateExited', 90_000, { name: 'Process' }),
    event('ExecutionSucceeded', 90_000),
  ]);
  display.finish();

  expect(terminal.shown).toEqual(['sales.csv', '  ✗ Process  1 min 30 s, looked again 1 time, Object.Rejected']);
});

test('keeps within the rows of a small terminal and the columns of a narrow one', () => {
  const terminal = new Terminal(4, 20);
  const display = new StateDisplay(terminal, {});
  for (const number of [1, 2, 3, 4, 5, 6]) {
    const key = `a-file-with-a-long-name-${number}.csv`;
    showAll(
      display,
      [
        event('ExecutionStarted', 0, { input: JSON.stringify({ key }) }, 0),
        event('TaskStateEntered', 0, { name: 'Claim object' }),
      ],
      `${arn}${number}`,
    );
  }
  display.finish();

  expect(terminal.lines.length).toBeLessThan(4);
  for (const line of terminal.shown) expect(line.length).toBeLessThan(20);
});

test('keys with control characters cannot move the cursor', () => {
  const terminal = new Terminal(24, 80);
  const display = new StateDisplay(terminal, {});
  showAll(display, [event('ExecutionStarted', 0, { input: JSON.stringify({ key: 'a\u001b[2Jb' }) }, 0)]);
  display.finish();

  expect(terminal.shown).toEqual(['a\\x1b[2Jb']);
});

test('writes plain lines where there is no terminal', () => {
  const written: string[] = [];
  const display = new StateDisplay({ write: (text) => written.push(text) }, {});
  showAll(display, [
    started(),
    event('TaskStateEntered', 0, { name: 'Claim object' }),
    event('TaskStateExited', 432_000, { name: 'Claim object' }),
    event('ExecutionSucceeded', 433_000),
  ]);
  display.finish();

  expect(written).toEqual(['+00:07:12  sales.csv  ✓ Claim object  7 min 12 s\n', '+00:07:13  sales.csv  succeeded\n']);
});
