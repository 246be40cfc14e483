/** What `npm run simulation` makes of the words behind it. */
import { mutants } from './mutants';
import { readOptions, UsageError } from './options';

test('without words, a hundred seeds of five objects are run', () => {
  expect(readOptions([])).toMatchObject({ firstSeed: 1, seedCount: 100, objectCount: 5, mutants: undefined });
});

test('the words say which seeds, how many objects and how many processes', () => {
  const words = ['--seed', '7', '--seeds', '20', '--objects', '3', '--jobs', '1'];
  expect(readOptions(words)).toEqual({
    firstSeed: 7,
    seedCount: 20,
    objectCount: 3,
    jobCount: 1,
    mutants: undefined,
  });
});

test('mutants are searched in a thousand seeds, all of them or those whose name holds a text', () => {
  expect(readOptions(['--mutants'])).toMatchObject({ seedCount: 1000, mutants });
  const [first] = mutants;
  expect(readOptions(['--mutants', '--only', first!.name]).mutants).toEqual([first]);
});

test('a name that no mutant has is refused with the names that there are', () => {
  const read = () => readOptions(['--mutants', '--only', 'nosuchmutant']);
  expect(read).toThrow(UsageError);
  for (const { name } of mutants) expect(read).toThrow(name);
});

test.each([
  [['--seeds', 'x'], '--seeds takes a whole number from 1, not "x"'],
  [['--seeds', '0'], '--seeds takes a whole number from 1, not "0"'],
  [['--jobs', '1.5'], '--jobs takes a whole number from 1, not "1.5"'],
  [['--only', 'token'], '--only chooses among the mutants: add --mutants'],
  [['--sead', '1'], "Unknown option '--sead'"],
  [['5'], "Unexpected argument '5'"],
])('the words %j are refused in one line', (words, message) => {
  const read = () => readOptions(words);
  expect(read).toThrow(UsageError);
  expect(read).toThrow(message);
});
