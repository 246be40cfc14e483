/** The picture of a state machine: everything is in it, nothing overlaps, and no text can break it. */
import { XMLValidator } from 'fast-xml-parser';
import fc from 'fast-check';
import { placeDefinition, type DrawnDefinition, type Picture } from '../../local/graph/layout';
import { drawDefinition } from '../../local/graph/svg';
import { anyCharacter } from '../any-character';

const everything = {
  StartAt: 'Split',
  States: {
    Split: {
      Type: 'Parallel',
      Branches: [
        { StartAt: 'Left', States: { Left: { Type: 'Pass', End: true } } },
        {
          StartAt: 'Right',
          States: {
            Right: { Type: 'Wait', Seconds: 1, Next: 'Right again' },
            'Right again': { Type: 'Pass', End: true },
          },
        },
      ],
      Next: 'Each',
      Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Broken' }],
    },
    Each: {
      Type: 'Map',
      ItemProcessor: {
        StartAt: 'One',
        States: { One: { Type: 'Task', Resource: 'arn:aws:states:::lambda:invoke', End: true } },
      },
      Next: 'Which',
    },
    Which: { Type: 'Choice', Choices: [{ Condition: '{% $n > 1 %}', Next: 'Split' }], Default: 'Done' },
    Done: { Type: 'Succeed' },
    Broken: { Type: 'Fail', Error: 'Broken' },
  },
};

test('shows every state with what it does, and every transition with its reason', () => {
  const svg = drawDefinition(JSON.stringify(everything), 'Everything');

  for (const text of [
    'Split',
    'Left',
    'Right',
    'Right again',
    'Each',
    'One',
    'Which',
    'Done',
    'Broken',
    'lambda',
    '$n &#62; 1',
    'otherwise',
    'States.ALL',
  ]) {
    expect(svg).toContain(`>${text}</text>`);
  }
  expect(svg.match(/class="line /g)).toHaveLength(7);
});

test('tells in words what it shows, for those who cannot see it', () => {
  const svg = drawDefinition(JSON.stringify(everything), 'Everything');

  expect(svg).toContain('role="img" aria-labelledby="graph-title graph-description"');
  expect(svg).toContain('<title id="graph-title">Everything</title>');
  expect(svg).toContain('Which if $n &#62; 1 goes to Split, if otherwise goes to Done.');
  expect(svg).toContain('on States.ALL goes to Broken');
  expect(svg).toContain('prefers-color-scheme: dark');
});

test('gives the same text for the same definition', () => {
  expect(drawDefinition(JSON.stringify(everything), 'Same')).toBe(drawDefinition(JSON.stringify(everything), 'Same'));
});

test('stays well-formed and keeps boxes apart for any names, texts and transitions', () => {
  const name = fc
    .string({ unit: anyCharacter, minLength: 1, maxLength: 30 })
    .filter((text) => !/[\u0000-\u001f\ufffe\uffff]/.test(text));
  const machine = fc.uniqueArray(name, { minLength: 1, maxLength: 8 }).chain((names) =>
    fc
      .array(
        fc.record({
          next: fc.option(fc.constantFrom(...names)),
          caught: fc.option(fc.constantFrom(...names)),
          comment: fc.string({ maxLength: 20 }).filter((text) => !/[\u0000-\u001f]/.test(text)),
        }),
        { minLength: names.length, maxLength: names.length },
      )
      .map((states): DrawnDefinition => ({
        StartAt: names[0]!,
        States: Object.fromEntries(
          states.map(({ next, caught, comment }, index) => [
            names[index]!,
            {
              Type: 'Task',
              Comment: comment,
              Resource: 'arn:aws:states:::sqs:sendMessage',
              ...(next === null ? { End: true } : { Next: next }),
              ...(caught === null ? {} : { Catch: [{ ErrorEquals: ['<&"\'>'], Next: caught }] }),
            },
          ]),
        ),
      })),
  );
  fc.assert(
    fc.property(machine, (definition) => {
      expect(XMLValidator.validate(drawDefinition(JSON.stringify(definition), '<title>'))).toBe(true);
      expectApart(placeDefinition(definition));
    }),
    { numRuns: 60 },
  );
});

test.each(['', '{', 'null', '[]', '{"States":{}}', '{"StartAt":"A"}'])(
  'rejects %j, which is no state machine',
  (text) => {
    expect(() => drawDefinition(text, 'Broken')).toThrow(/, at drawDefinition\n {2}got: /);
  },
);

function expectApart({ boxes, width, height }: Picture): void {
  for (const [index, box] of boxes.entries()) {
    expect(box.x).toBeGreaterThanOrEqual(0);
    expect(box.y).toBeGreaterThanOrEqual(0);
    expect(box.x + box.width).toBeLessThanOrEqual(width + 0.2);
    expect(box.y + box.height).toBeLessThanOrEqual(height + 0.2);
    for (const other of boxes.slice(index + 1)) {
      const isApart =
        box.x + box.width <= other.x ||
        other.x + other.width <= box.x ||
        box.y + box.height <= other.y ||
        other.y + other.height <= box.y;
      expect({ box: box.name, other: other.name, isApart }).toEqual({
        box: box.name,
        other: other.name,
        isApart: true,
      });
    }
  }
}
