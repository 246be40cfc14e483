/** Shapes what a rule hands to its target: the whole event, a part of it, a constant, or a template filled from it. */

/** The fields of a rule's target that decide about its input. At most one of them is given. */
export interface TargetInput {
  readonly Input?: string;
  readonly InputPath?: string;
  readonly InputTransformer?: {
    readonly InputPathsMap?: Readonly<Record<string, string>>;
    readonly InputTemplate: string;
  };
}

/** Names that every input template may use besides its own paths. */
export interface RuleVariables {
  readonly 'aws.events.rule-arn': string;
  readonly 'aws.events.rule-name': string;
  readonly 'aws.events.event.ingestion-time': string;
}

/** @returns the text that the target gets: JSON, except for a template that is plain text */
export function transformInput(
  target: TargetInput,
  event: Readonly<Record<string, unknown>>,
  rule: RuleVariables,
): string {
  if (target.Input !== undefined) return target.Input;
  if (target.InputPath !== undefined) return JSON.stringify(readPath(event, target.InputPath) ?? null);
  if (target.InputTransformer === undefined) return JSON.stringify(event);
  const { InputPathsMap = {}, InputTemplate } = target.InputTransformer;
  const values = new Map<string, unknown>(Object.entries(rule));
  values.set('aws.events.event', withoutDetail(event));
  values.set('aws.events.event.json', event);
  for (const [name, path] of Object.entries(InputPathsMap)) values.set(name, readPath(event, path));
  return fillTemplate(InputTemplate, values);
}

/** Inside of quotes a value is text; outside of them it is JSON. A value that the event lacks becomes an empty text. */
function fillTemplate(template: string, values: ReadonlyMap<string, unknown>): string {
  let quoted = false;
  let filled = '';
  for (let index = 0; index < template.length; index++) {
    const character = template[index]!;
    if (character === '\\') {
      filled += character + (template[++index] ?? '');
      continue;
    }
    const placeholder = character === '<' ? /^<([^<>]+)>/.exec(template.slice(index)) : null;
    if (placeholder !== null && values.has(placeholder[1]!)) {
      filled += renderValue(values.get(placeholder[1]!), quoted, isTextTemplate(template));
      index += placeholder[0].length - 1;
      continue;
    }
    if (character === '"') quoted = !quoted;
    filled += character;
  }
  return filled;
}

function renderValue(value: unknown, quoted: boolean, textTemplate: boolean): string {
  if (value === undefined) return quoted || textTemplate ? '' : '""';
  if (quoted) {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return JSON.stringify(text).slice(1, -1);
  }
  return textTemplate && typeof value === 'string' ? value : JSON.stringify(value);
}

/** A template that is no JSON is text, for a queue, a topic or a log group. */
function isTextTemplate(template: string): boolean {
  return !/^\s*["{[<]/.test(template);
}

/** Reads `$.detail.object.version-id`: dots only, and an index in brackets. */
function readPath(event: unknown, path: string): unknown {
  let value = event;
  for (const step of path
    .replace(/^\$\.?/, '')
    .replaceAll(/\[(\d+)\]/g, '.$1')
    .split('.')) {
    if (step === '') continue;
    value = (value as Readonly<Record<string, unknown>> | null | undefined)?.[step];
  }
  return value;
}

function withoutDetail(event: Readonly<Record<string, unknown>>): unknown {
  return Object.fromEntries(Object.entries(event).filter(([name]) => name !== 'detail'));
}
