/** Every action of every statement of a workflow is needed in a scenario, for each kind of fleet and with every option. What the
 * scenarios show is carried to all other templates by `PermissionJudge`. */
import { removeFolders } from './assemblies';
import { readCarriedRequests } from './carried-requests';
import { RecordedRequests, runReference, type RecordedReference } from './references';
import { type Reference } from './scenarios';

const recorded = new RecordedRequests();
const references = new Map<Reference, RecordedReference>();
const kinds: readonly Reference[] = ['group', 'fleet', 'launch', 'full'];

beforeAll(async () => {
  for (const kind of kinds) references.set(kind, await runReference(kind, recorded));
}, 240_000);
afterAll(removeFolders);

describe.each(kinds)('a workflow with the options of the reference "%s"', (kind) => {
  test('needs every action of every statement, and has all it needs', () => {
    expect(references.get(kind)!.judge.problems()).toEqual([]);
  });

  test('makes no call that is denied', () => expect(references.get(kind)!.denied).toEqual([]));
});

test('what is carried to other templates was asked in a scenario, and is all that a scenario needs', () => {
  const carried = readCarriedRequests().map(({ allowedIn: _, ...request }) => JSON.stringify(request));
  expect(carried.filter((text) => !recorded.texts.has(text))).toEqual([]);
});
