// The order of the test files: the longest first, so that no process is left alone with one in the end.
// Jest loads this file as it stands, so it is no TypeScript.
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import Sequencer from '@jest/test-sequencer';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Those that take more than ten seconds of a processor. Where jest has no figures of an earlier run it goes by the sizes of files,
 * and these are short ones. */
const longest = [
  'test/access/least-privilege.test.ts',
  'test/packaging/package.test.ts',
  'examples/customer-registration/customer-registration.test.ts',
  'examples/data-lifecycle/data-lifecycle.test.ts',
  'test/portal/portal-page.test.ts',
  'test/security/hostile-input.test.ts',
  'test/cli/interruption.test.ts',
  'test/cli/run.test.ts',
  'test/simulate/endings.test.ts',
  'test/instance/run-operation.test.ts',
  'test/simulation/simulation.test.ts',
  'test/simulate/object-workflow.test.ts',
  'test/portal/portal-api.test.ts',
  'test/security/poisoned-worker.test.ts',
  'test/portal/portal-crowd.test.ts',
];
const absent = longest.filter((file) => !existsSync(join(root, file)));
if (absent.length > 0) throw new Error(`test/sequencer.mjs names files that do not exist: ${absent.join(', ')}`);

export default class LongestFirst extends Sequencer {
  async sort(tests) {
    const place = ({ path }) => {
      const index = longest.indexOf(relative(root, path).replaceAll('\\', '/'));
      return index === -1 ? longest.length : index;
    };
    const bySizeOrDuration = await super.sort(tests);
    return [...bySizeOrDuration].sort((first, second) => place(first) - place(second));
  }
}
