/** Holds the engine at what it has reached on the executions recorded on AWS, where they lie next to the checkout. */
import knownMisses from './known-misses.json';
import { isReached, loadCases, ownCasesFolder, recordedCasesFolder, runCase, tally, type CaseResult } from './suite';

describe('the rules of the language', () => {
  test.each(loadCases(ownCasesFolder).map((rule) => [`${rule.area}: ${rule.rule ?? rule.id}`, rule] as const))(
    '%s',
    async (_title, rule) => {
      const { result, actual } = await runCase(rule);
      expect({ isReached: isReached(result), actual: isReached(result) ? undefined : actual }).toEqual({
        isReached: true,
      });
    },
  );
});

const cases = loadCases(recordedCasesFolder);

/** Shares of what is asked; never to be lowered. The whole set is 627 executions and 166 API cases. */
const floors = {
  executions: { outcome: 0.998, errors: 1, types: 1, history: 0.987 },
  'API kinds': { outcome: 1, errors: 1, types: 0, history: 0 },
};

if (cases.length === 0) {
  test.skip(`the recorded cases are not in ${recordedCasesFolder}: nothing was compared`, () => undefined);
} else {
  describe('the recorded cases', () => {
    let results: CaseResult[] = [];

    beforeAll(async () => {
      results = [];
      for (const testCase of cases) results.push((await runCase(testCase)).result);
    }, 120_000);

    test.each(['executions', 'API kinds'] as const)('%s reach their floors', (kind) => {
      const some = results.filter((result) => (result.kind === 'execution') === (kind === 'executions'));
      const counts = tally(some);
      for (const [column, floor] of Object.entries(floors[kind])) {
        const [reached, asked] = counts[column as keyof typeof counts];
        expect({ column, share: reached / Math.max(1, asked) >= floor || asked === 0 }).toEqual({
          column,
          share: true,
        });
      }
    });

    test('each miss has its reason in known-misses.json, and each reason a miss', () => {
      const missed = results.filter((result) => !isReached(result)).map(({ id }) => id);
      expect(missed.sort()).toEqual(Object.keys(knownMisses).sort());
    });
  });
}
