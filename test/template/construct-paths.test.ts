import { ConstructPaths } from '../../local/template/construct-paths';

const entries = [
  { path: 'Main/Queue/Resource', logicalId: 'Queue' },
  { path: 'Main/Part.NestedStack/Part.NestedStackResource', logicalId: 'PartNestedStack' },
  { path: 'Main/Part/Queue/Resource', logicalId: 'Queue' },
  { path: 'Main/Part/Inner.NestedStack/Inner.NestedStackResource', logicalId: 'InnerNestedStack' },
  { path: 'Main/Part/Inner/Queue/Resource', logicalId: 'Queue' },
];

test('a logical id leads to the construct of its own stack, however deep that is nested', () => {
  const main = new ConstructPaths(entries);
  expect(main.of('Queue')).toBe('Main/Queue/Resource');
  const part = main.nested('PartNestedStack');
  expect(part.of('Queue')).toBe('Main/Part/Queue/Resource');
  expect(part.nested('InnerNestedStack').of('Queue')).toBe('Main/Part/Inner/Queue/Resource');
});

test('an id that the assembly does not place stands for itself', () => {
  expect(new ConstructPaths([]).of('Queue')).toBe('Queue');
  expect(new ConstructPaths([]).nested('Part').of('Queue')).toBe('Queue');
});
