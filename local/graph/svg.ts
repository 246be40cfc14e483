/** Draws a state machine as an SVG that can be read on light and dark pages, and by a screen reader. */
import {
  placeDefinition,
  transitionsOf,
  type Box,
  type DrawnDefinition,
  type Line,
  type Picture,
  type Point,
} from './layout';

/** Draws a definition of a state machine.
 * @param text The definition in the Amazon States Language, as JSON.
 * @param title What the picture is called.
 * @returns an SVG document: the same text for the same definition
 * @throws Error when the text is not the JSON of a state machine
 * @example writeFileSync('graph.svg', drawDefinition(definition, 'Sales report')); */
export function drawDefinition(text: string, title: string): string {
  const definition = parse(text);
  const picture = placeDefinition(definition);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${picture.width} ${picture.height}" width="${picture.width}" height="${picture.height}" role="img" aria-labelledby="graph-title graph-description">`,
    `<title id="graph-title">${escape(title)}</title>`,
    `<desc id="graph-description">${escape(describe(definition))}</desc>`,
    style,
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto-start-reverse"><path class="tip" d="M0 0.5 8 4 0 7.5z"/></marker></defs>',
    ...drawPicture(picture),
    '</svg>',
    '',
  ].join('\n');
}

const style = `<style>
  text { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328; text-anchor: middle }
  .small { font-size: 11px; fill: #59636e }
  .label { font-size: 11px; fill: #59636e; paint-order: stroke; stroke: #ffffff; stroke-width: 4px; stroke-linejoin: round }
  rect { fill: #f6f8fa; stroke: #59636e }
  .group { fill: none; stroke-dasharray: 2 3 }
  .mark { fill: #59636e; stroke: none }
  text.on-mark { fill: #ffffff; font-size: 11px }
  .Succeed { fill: #dafbe1; stroke: #1a7f37 }
  .Fail { fill: #ffebe9; stroke: #cf222e }
  .line { fill: none; stroke: #59636e; stroke-width: 1.2 }
  .catch { stroke: #bc4c00; stroke-dasharray: 5 3 }
  .tip { fill: #59636e }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .small { fill: #b1bac4 }
    .label { fill: #b1bac4; stroke: #0d1117 }
    rect { fill: #151b23; stroke: #9198a1 }
    .group { fill: none }
    .mark { fill: #9198a1 }
    text.on-mark { fill: #0d1117 }
    .Succeed { fill: #0f2d18; stroke: #3fb950 }
    .Fail { fill: #3c1618; stroke: #f85149 }
    .line { stroke: #9198a1 }
    .catch { stroke: #db6d28 }
    .tip { fill: #9198a1 }
  }
</style>`;

function parse(text: string): DrawnDefinition {
  let definition: Partial<DrawnDefinition> | null;
  try {
    definition = JSON.parse(text) as Partial<DrawnDefinition> | null;
  } catch (error) {
    throw new Error(`A definition is not JSON, at drawDefinition\n  got: ${text.slice(0, 200)}`, { cause: error });
  }
  if (typeof definition?.StartAt !== 'string' || typeof definition.States !== 'object') {
    throw new Error(
      `This is not a state machine, at drawDefinition\n  got: ${text.slice(0, 200)}\n  allowed: a JSON object with StartAt and States`,
    );
  }
  return definition as DrawnDefinition;
}

/** Lines below boxes, labels above both. */
function drawPicture(picture: Picture): string[] {
  return [
    ...picture.lines.map(drawLine),
    ...picture.boxes.flatMap(drawBox),
    ...picture.lines.flatMap((line) =>
      line.label.map((text, index) => {
        const y = line.labelAt.y + (index - (line.label.length - 1) / 2) * 14 + 4;
        return `<text class="label" x="${line.labelAt.x}" y="${fixed(y)}">${escape(text)}</text>`;
      }),
    ),
  ];
}

function drawBox(box: Box): string[] {
  const middle = fixed(box.x + box.width / 2);
  const frame = (classes: string, radius: number) =>
    `<rect class="${classes}" x="${box.x}" y="${box.y}" width="${box.width}" height="${box.height}" rx="${radius}"/>`;
  if (box.kind !== 'state') {
    return [frame('mark', 13), `<text class="on-mark" x="${middle}" y="${fixed(box.y + 17)}">${box.name}</text>`];
  }
  return [
    '<g>',
    ...(box.comment === '' ? [] : [`<title>${escape(box.comment)}</title>`]),
    frame(box.branches.length > 0 ? `${escape(box.type)} group` : escape(box.type), 6),
    `<text x="${middle}" y="${fixed(box.y + 19)}">${escape(box.name)}</text>`,
    `<text class="small" x="${middle}" y="${fixed(box.y + 35)}">${escape(box.subtitle)}</text>`,
    ...box.branches.flatMap(({ x, y, picture }) => [
      `<g transform="translate(${fixed(box.x + x)} ${fixed(box.y + y)})">`,
      ...drawPicture(picture),
      '</g>',
    ]),
    '</g>',
  ];
}

function drawLine({ kind, points }: Line): string {
  return `<path class="line ${kind}" marker-end="url(#arrow)" d="${curve(points)}"/>`;
}

/** A smooth line: each given point but the ends is the control of a curve between the middles of its neighbours. */
function curve(points: readonly Point[]): string {
  const [first, ...rest] = points;
  if (first === undefined) return '';
  const parts = [`M${first.x} ${first.y}`];
  rest.forEach((point, index) => {
    const next = rest[index + 1];
    if (next === undefined) parts.push(`L${point.x} ${point.y}`);
    else parts.push(`Q${point.x} ${point.y} ${fixed((point.x + next.x) / 2)} ${fixed((point.y + next.y) / 2)}`);
  });
  return parts.join(' ');
}

/** The graph in words, for those who cannot see it. */
function describe(definition: DrawnDefinition): string {
  const sentences = Object.entries(definition.States).map(([name, state]) => {
    const ways = transitionsOf(name, state).map(({ to, kind, label }) =>
      kind === 'next'
        ? `goes on to ${to}`
        : kind === 'catch'
          ? `on ${label.join(' or ')} goes to ${to}`
          : `if ${label[0]} goes to ${to}`,
    );
    const inner = state.Branches ?? [state.ItemProcessor ?? state.Iterator].filter((branch) => branch !== undefined);
    const holds = inner.length === 0 ? '' : ` runs (${inner.map(describe).join(' | ')})`;
    const parts = [holds, ...ways.map((way) => ` ${way}`)].filter((part) => part !== '');
    return parts.length === 0 ? `${name} ends it.` : `${name}${parts.join(',')}.`;
  });
  return [`Starts at ${definition.StartAt}.`, ...sentences].join(' ');
}

function fixed(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
