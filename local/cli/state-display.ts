/** Shows the states of executions as they go: redrawn in place on a terminal, one line per event otherwise. */
import type { HistoryEvent } from '../states-language/engine';
import { createPalette, formatCount, formatDuration, printable, type Palette } from './text';

/** Where progress is written; `process.stderr` is one. */
export interface Screen {
  readonly isTTY?: boolean | undefined;
  readonly rows?: number | undefined;
  readonly columns?: number | undefined;
  readonly write: (text: string) => unknown;
}

interface ShownState {
  readonly name: string;
  readonly enteredAtMs: number;
  leftAtMs?: number;
  /** Task attempts so far; 0 for a state that is no task. */
  attempts: number;
  /** Of those, the ones that ended because nothing was heard: the state looks again, nothing is wrong. */
  looks: number;
  /** Error of the last attempt, until another attempt begins. */
  error?: string | undefined;
}

interface ShownExecution {
  readonly title: string;
  readonly startedAtMs: number;
  readonly states: ShownState[];
  /** The state to which an event belongs, by event id: each event inherits it from the one it follows. */
  readonly stateOfEvent: Map<number, ShownState>;
  ended?: string;
}

/** A redraw at most so often: more cannot be seen. */
const redrawIntervalMs = 40;

/** Takes history events and shows what they mean. */
export class StateDisplay {
  private readonly executions = new Map<string, ShownExecution>();
  private readonly palette: Palette;
  private readonly isLive: boolean;
  private drawnLines = 0;
  private drawnAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly screen: Screen,
    environment: Readonly<Record<string, string | undefined>>,
  ) {
    this.isLive = screen.isTTY === true && environment['TERM'] !== 'dumb';
    this.palette = createPalette(this.isLive && !environment['NO_COLOR']);
  }

  /** A line about what the program does, outside of all executions. */
  say(text: string): void {
    this.erase();
    this.screen.write(`${text}\n`);
    this.draw();
  }

  /** An event of an execution's history. */
  show(executionArn: string, event: HistoryEvent): void {
    const execution = this.executions.get(executionArn) ?? this.start(executionArn, event);
    const line = this.apply(execution, event);
    if (this.isLive) {
      if (performance.now() - this.drawnAtMs >= redrawIntervalMs) this.redraw();
    } else if (line !== undefined) {
      const at = `+${clock(event.timestamp - execution.startedAtMs)}`;
      this.screen.write(`${at}  ${execution.title}  ${line}\n`);
    }
  }

  /** Draws the final picture. Later text is written below it. */
  finish(): void {
    if (this.isLive) this.redraw();
    this.drawnLines = 0;
    this.executions.clear();
  }

  private start(executionArn: string, { timestamp, ...details }: HistoryEvent): ShownExecution {
    const { input } = (details['executionStartedEventDetails'] ?? {}) as { readonly input?: string };
    const title = printable(objectNameIn(input) ?? executionArn.split(':').at(-1) ?? '');
    const execution = { title, startedAtMs: timestamp, states: [], stateOfEvent: new Map<number, ShownState>() };
    this.executions.set(executionArn, execution);
    return execution;
  }

  /** @returns the line for a screen that is not redrawn; undefined for an event that it leaves out */
  private apply(execution: ShownExecution, event: HistoryEvent): string | undefined {
    const nowMs = event.timestamp;
    const inherited = execution.stateOfEvent.get(event.previousEventId);
    if (inherited !== undefined) execution.stateOfEvent.set(event.id, inherited);
    if (event.type.endsWith('StateEntered')) {
      const state = { name: nameIn(event, 'stateEnteredEventDetails'), enteredAtMs: nowMs, attempts: 0, looks: 0 };
      execution.states.push(state);
      execution.stateOfEvent.set(event.id, state);
      return undefined;
    }
    if (event.type.endsWith('StateExited')) {
      const name = nameIn(event, 'stateExitedEventDetails');
      const state = execution.states.find((entered) => entered.name === name && entered.leftAtMs === undefined);
      if (state === undefined) return undefined;
      state.leftAtMs = nowMs;
      return this.describe(state, nowMs);
    }
    if (inherited !== undefined && /^(TaskScheduled|LambdaFunctionScheduled|ActivityScheduled)$/.test(event.type)) {
      inherited.attempts++;
      inherited.error = undefined;
    }
    if (inherited !== undefined && /(Failed|TimedOut)$/.test(event.type) && !event.type.startsWith('Execution')) {
      inherited.error = printable(errorIn(event));
      if (event.type !== 'TaskTimedOut') return `… ${inherited.name}: ${inherited.error}`;
      inherited.looks++;
    }
    if (/^Execution(Succeeded|Failed|TimedOut|Aborted)$/.test(event.type)) {
      execution.ended = event.type.replace('Execution', '').toLowerCase();
      // What is still open has been cut off by the end.
      for (const state of execution.states.filter(({ leftAtMs }) => leftAtMs === undefined)) {
        state.leftAtMs = nowMs;
        state.error ??= execution.ended;
      }
      return execution.ended;
    }
    return undefined;
  }

  private describe(state: ShownState, nowMs: number): string {
    const { good, bad, dim } = this.palette;
    const hasLeft = state.leftAtMs !== undefined;
    const tries = state.attempts - state.looks;
    const facts = [
      formatDuration((state.leftAtMs ?? nowMs) - state.enteredAtMs),
      ...(state.looks > 0 ? [`looked again ${formatCount(state.looks, 'time')}`] : []),
      ...(tries > 1 ? [`${tries} tries`] : []),
      ...(hasLeft && state.error !== undefined ? [state.error] : []),
    ];
    const mark = !hasLeft ? '●' : state.error === undefined ? good('✓') : bad('✗');
    return `${mark} ${state.name}  ${dim(facts.join(', '))}`;
  }

  private redraw(): void {
    this.erase();
    this.draw();
    this.drawnAtMs = performance.now();
  }

  private erase(): void {
    if (this.drawnLines > 0) this.screen.write(`\u001b[${this.drawnLines}A\u001b[0J`);
    this.drawnLines = 0;
  }

  /** All states where they fit, else one line for each execution, else those that still run. */
  private draw(): void {
    if (!this.isLive || this.executions.size === 0) return;
    const rows = (this.screen.rows ?? 24) - 1;
    const executions = [...this.executions.values()];
    const full = executions.flatMap((execution) => [
      this.palette.bold(execution.title),
      ...execution.states.map((state) => `  ${this.describe(state, latest(execution))}`),
    ]);
    const short = (some: readonly ShownExecution[]) =>
      some.map((execution) => {
        const last = execution.states.at(-1);
        return `${execution.title}  ${last === undefined ? '' : this.describe(last, latest(execution))}`;
      });
    const lines =
      full.length <= rows
        ? full
        : executions.length <= rows
          ? short(executions)
          : short(executions.filter(({ ended }) => ended === undefined)).slice(0, rows);
    this.screen.write(lines.map((line) => `${cut(line, this.screen.columns ?? 80)}\n`).join(''));
    this.drawnLines = lines.length;
  }
}

/** The last part of the key that an execution is about: from the event that started it, or from a manual start. */
function objectNameIn(input: string | undefined): string | undefined {
  try {
    const { key, detail } = JSON.parse(input ?? '{}') as { key?: string; detail?: { object?: { key?: string } } };
    return (key ?? detail?.object?.key)?.split('/').at(-1);
  } catch {
    return undefined;
  }
}

function errorIn(event: HistoryEvent): string {
  const details = Object.entries(event).find(([name]) => name.endsWith('EventDetails'))?.[1];
  return (details as { readonly error?: string } | undefined)?.error ?? event.type;
}

function nameIn(event: HistoryEvent, detailsName: string): string {
  return printable((event[detailsName] as { name?: string } | undefined)?.name ?? '');
}

function latest(execution: ShownExecution): number {
  return Math.max(...execution.states.map((state) => state.leftAtMs ?? state.enteredAtMs));
}

/** `00:07:12` */
function clock(milliseconds: number): string {
  const seconds = Math.floor(Math.max(0, milliseconds) / 1000);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/** Cuts a line to the width of the screen without counting colour codes, so that each line stays one row. */
function cut(line: string, columns: number): string {
  let width = 0;
  let kept = '';
  for (const [part] of line.matchAll(/\u001b\[\d+m|./gsu)) {
    if (part.startsWith('\u001b')) kept += part;
    else if (width++ < columns - 1) kept += part;
  }
  return kept;
}
