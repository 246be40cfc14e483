/** Places the states of a definition on a plane: boxes and lines in pixels, independent of how they are drawn. */
import { Graph, layout, type Edge, type EdgeLabel, type GraphLabel, type NodeLabel } from '@dagrejs/dagre';

/** A definition as parsed JSON; only what a picture shows is read. */
export interface DrawnDefinition {
  readonly Comment?: string;
  readonly StartAt: string;
  readonly States: Readonly<Record<string, DrawnState>>;
}

/** A state as parsed JSON. */
export interface DrawnState {
  readonly Type: string;
  readonly Comment?: string;
  readonly Resource?: string;
  readonly Next?: string;
  readonly End?: boolean;
  readonly Default?: string;
  readonly Choices?: readonly { readonly Next: string; readonly Condition?: unknown }[];
  readonly Catch?: readonly { readonly ErrorEquals: readonly string[]; readonly Next: string }[];
  readonly Branches?: readonly DrawnDefinition[];
  readonly ItemProcessor?: DrawnDefinition;
  readonly Iterator?: DrawnDefinition;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A state, or one of the marks where the machine starts and ends. */
export interface Box {
  readonly kind: 'state' | 'start' | 'end';
  readonly name: string;
  /** The state's `Type`; empty for a mark. */
  readonly type: string;
  /** What the state does, in a word or two. */
  readonly subtitle: string;
  readonly comment: string;
  /** Top left corner, relative to the picture that holds the box. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** The branches of a Parallel or the processor of a Map, relative to the picture too. */
  readonly branches: readonly { readonly x: number; readonly y: number; readonly picture: Picture }[];
}

/** A transition. */
export interface Line {
  readonly from: string;
  readonly to: string;
  readonly kind: 'next' | 'choice' | 'catch';
  readonly label: readonly string[];
  readonly points: readonly Point[];
  readonly labelAt: Point;
}

/** Placed states and transitions of one machine or branch. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly Box[];
  readonly lines: readonly Line[];
}

const padding = 14;
const titleHeight = 44;
const characterWidth = 7.4;
const smallCharacterWidth = 6.2;
const lineHeight = 14;

interface Transition {
  readonly from: string;
  readonly to: string;
  readonly kind: Line['kind'];
  readonly label: readonly string[];
}

/** Places a machine from top to bottom; each branch is placed first and then is part of its state's box.
 * @param marks Whether the start and the end are marked, as for a whole machine. */
export function placeDefinition(definition: DrawnDefinition, marks = true): Picture {
  const boxes = new Map(Object.entries(definition.States).map(([name, state]) => [name, measure(name, state)]));
  const transitions = Object.entries(definition.States).flatMap(([name, state]) => transitionsOf(name, state));
  if (marks) addMarks(definition, boxes, transitions);

  const graph = new Graph<GraphLabel, NodeLabel, EdgeLabel>({ multigraph: true });
  graph.setGraph({ rankdir: 'TB', ranksep: 34, nodesep: 36, edgesep: 18, marginx: padding, marginy: padding });
  for (const [name, box] of boxes) graph.setNode(idOf(name), { width: box.width, height: box.height });
  transitions.forEach(({ from, to, kind, label }, index) => {
    const size = { width: widest(label, smallCharacterWidth) + 8, height: label.length * lineHeight };
    // The way without errors is the heaviest, so that it becomes the straight one.
    const edge = { ...size, labelpos: 'c' as const, weight: kind === 'next' ? 12 : kind === 'choice' ? 4 : 1 };
    if (boxes.has(from) && boxes.has(to)) graph.setEdge(idOf(from), idOf(to), edge, String(index));
  });
  layout(graph);

  const { width = 0, height = 0 } = graph.graph();
  return {
    width: round(width),
    height: round(height),
    boxes: [...boxes].map(([name, box]) => {
      const { x = 0, y = 0 } = graph.node(idOf(name));
      return { ...box, x: round(x - box.width / 2), y: round(y - box.height / 2) };
    }),
    lines: graph.edges().map((edge: Edge) => {
      const { points = [], x = 0, y = 0 } = graph.edge(edge) as EdgeLabel;
      const { from, to, kind, label } = transitions[Number(edge.name)]!;
      const rounded = points.map((point: Point) => ({ x: round(point.x), y: round(point.y) }));
      return { from, to, kind, label, points: rounded, labelAt: { x: round(x), y: round(y) } };
    }),
  };
}

/** dagre keeps nodes in plain objects, where a state called `constructor` would be found before it is added. */
function idOf(name: string): string {
  return `state ${name}`;
}

/** A state's box before it has a place. */
function measure(name: string, state: DrawnState): Box {
  const subtitle = subtitleOf(state);
  const textWidth = Math.max(name.length * characterWidth, subtitle.length * smallCharacterWidth) + 2 * padding;
  const pictures = (
    state.Branches ?? [state.ItemProcessor ?? state.Iterator].filter((inner) => inner !== undefined)
  ).map((branch) => placeDefinition(branch, false));
  const innerWidth = pictures.reduce((sum, picture) => sum + picture.width, 0);
  const width = Math.max(textWidth, innerWidth);
  let x = (width - innerWidth) / 2;
  const branches = pictures.map((picture) => {
    const placed = { x: round(x), y: titleHeight - padding / 2, picture };
    x += picture.width;
    return placed;
  });
  const innerHeight = Math.max(0, ...pictures.map((picture) => picture.height - padding / 2));
  const comment = state.Comment ?? '';
  const height = titleHeight + innerHeight;
  return {
    kind: 'state',
    name,
    type: state.Type,
    subtitle,
    comment,
    x: 0,
    y: 0,
    width: round(width),
    height,
    branches,
  };
}

/** Marks' ids start with a control character, which no state name can. */
function addMarks(definition: DrawnDefinition, boxes: Map<string, Box>, transitions: Transition[]): void {
  const mark = (kind: 'start' | 'end'): Box => ({
    ...{ kind, name: kind === 'start' ? 'Start' : 'End', type: '', subtitle: '', comment: '' },
    ...{ x: 0, y: 0, width: 52, height: 26, branches: [] },
  });
  boxes.set('\u0000start', mark('start'));
  transitions.push({ from: '\u0000start', to: definition.StartAt, kind: 'next', label: [] });
  // Succeed and Fail states show by their colour that they end the machine.
  const last = Object.entries(definition.States).filter(([, state]) => state.End === true);
  if (last.length > 0) boxes.set('\u0000end', mark('end'));
  for (const [name] of last) transitions.push({ from: name, to: '\u0000end', kind: 'next', label: [] });
}

/** Transitions out of a state, in the order in which they are written. */
export function transitionsOf(name: string, state: DrawnState): Transition[] {
  return [
    ...(state.Next === undefined ? [] : [{ from: name, to: state.Next, kind: 'next' as const, label: [] }]),
    ...(state.Choices ?? []).map((rule) => ({
      from: name,
      to: rule.Next,
      kind: 'choice' as const,
      label: [typeof rule.Condition === 'string' ? shorten(rule.Condition.replace(/^\{%\s*|\s*%\}$/g, '')) : 'when'],
    })),
    ...(state.Default === undefined
      ? []
      : [{ from: name, to: state.Default, kind: 'choice' as const, label: ['otherwise'] }]),
    ...(state.Catch ?? []).map((catcher) => ({
      from: name,
      to: catcher.Next,
      kind: 'catch' as const,
      label: catcher.ErrorEquals.map((error) => shorten(error.replace(/^DynamoDB\./, ''))),
    })),
  ];
}

/** `arn:aws:states:::dynamodb:updateItem` → `dynamodb updateItem`; for other states their type. */
function subtitleOf(state: DrawnState): string {
  if (state.Type !== 'Task' || state.Resource === undefined) return state.Type;
  const integration = /:states:[^:]*:[^:]*:(?:aws-sdk:)?([^:]+):([^.]+)(?:\.(.+))?$/.exec(state.Resource);
  if (integration === null) return /:activity:/.test(state.Resource) ? 'activity' : 'lambda';
  const [, service, action, pattern] = integration;
  const call = service === 'lambda' ? 'lambda' : `${service} ${action}`;
  if (pattern === undefined) return call;
  return pattern === 'waitForTaskToken' ? `${call}, then waits for its callback` : `${call}, until it has ended`;
}

function shorten(text: string): string {
  return text.length > 34 ? `${text.slice(0, 33)}…` : text;
}

function widest(lines: readonly string[], width: number): number {
  return Math.max(0, ...lines.map((line) => line.length * width));
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
