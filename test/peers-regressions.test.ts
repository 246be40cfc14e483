/** What went wrong in comparable constructs, products and samples, and the tests that show that it does not here. Each fault is
 * named by what it does to a user; the tests are named after what this library does instead, where that behaviour lives. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Regression {
  readonly fault: string;
  /** Beginnings of test titles, by file below `test/`. */
  readonly shownBy: Readonly<Record<string, readonly string[]>>;
}

const regressions: readonly Regression[] = [
  {
    fault: 'a script that failed, timed out or was cancelled is reported as a success',
    shownBy: {
      'simulate/endings.test.ts': ['a command that ends with %s fails', 'a command that does not end is stopped'],
      'tasks/states.test.ts': ['have a meaning each: no status of a command invocation is taken for another'],
    },
  },
  {
    fault: 'a backup that failed, expired or is partial counts as complete; an aborted one loops for ever',
    shownBy: {
      'tasks/shared-jobs.test.ts': ['reports a job that ended as %s as %s', 'takes a message on a completed job for'],
      'tasks/states.test.ts': ['of a backup job: each of the five ends is its own'],
    },
  },
  {
    fault: 'the identity of an object holds an instant, or is cut so that other keys and new versions share it',
    shownBy: {
      'workflow/claim.test.ts': ['keeps one record for each version', 'tells long keys apart that differ only at'],
    },
  },
  {
    fault: 'one bad record fails the whole batch, and the good ones run again',
    shownBy: {
      'tasks/sweep.test.ts': ['cleans up after the others when one cannot be looked at'],
      'simulate/object-workflow.test.ts': ['a repeated event and a manual start do nothing more'],
    },
  },
  {
    fault: 'an alarm watches a metric that nobody publishes',
    shownBy: { 'workflow/surroundings.test.ts': ['watches only metrics that the services publish'] },
  },
  {
    fault: 'a counter of running work is not counted down again',
    shownBy: { 'tasks/process-object.test.ts': ['leaves nothing behind: no slot, no place in the queue'] },
  },
  {
    fault: 'an execution that went down its failure path has SUCCEEDED',
    shownBy: {
      'simulate/endings.test.ts': ['a command that ends with %s fails the execution'],
      'workflow/definition.test.ts': ['catches only what is an outcome, so that a failure fails the execution'],
    },
  },
  {
    fault: 'the documentation names another default than the code takes',
    shownBy: { 'types/defaults.test.ts': ['every default that a docstring names is the one that the code takes'] },
  },
  {
    fault: 'a policy allows actions that do not exist, and not those that are needed',
    shownBy: { 'workflow/permissions.test.ts': ['name only actions that exist'] },
  },
  {
    fault: 'an object is not copied because its key has spaces, plus signs or letters of other alphabets',
    shownBy: {
      'tasks/validate-object.test.ts': ['copies the very version of %j, tagged with the reasons'],
      'simulate/endings.test.ts': ['the key %j is plain data all the way through'],
    },
  },
  {
    fault: 'an image that takes longer than the waiter has failed',
    shownBy: { 'tasks/shared-jobs.test.ts': ['waits as long for an image as EC2 may take for one'] },
  },
  {
    fault: 'a loop of waits fills the history',
    shownBy: {
      'workflow/definition.test.ts': ['has a comment on every state, and no choice, no wait'],
      'tasks/process-object.test.ts': ['finds out by its re-checks what a lost event would have said'],
    },
  },
  {
    fault: 'a semaphore is not released when the execution is aborted',
    shownBy: {
      'tasks/process-object.test.ts': ['frees what an execution holds, cancels its command'],
      'simulate/endings.test.ts': ['gives back its slot and its command when it was stopped'],
    },
  },
  {
    fault: 'an instance is left stopped after a failure',
    shownBy: { 'tasks/shared-jobs.test.ts': ['does not reboot the instance unless it is asked to'] },
  },
  {
    fault: 'a launch template does not accept the parameter that names the image',
    shownBy: {
      'tasks/shared-jobs.test.ts': ['names the newest image in a parameter that launch templates can follow'],
    },
  },
  {
    fault: 'a status is misspelt, or not there yet, and the run dies of it',
    shownBy: {
      'tasks/states.test.ts': [
        'have a meaning each: no status of a command invocation is taken for another',
        'never take a status that is not known for an end',
      ],
      'tasks/process-object.test.ts': ['waits for a command that SSM does not show on its instance yet'],
    },
  },
  {
    fault: 'the record says that it failed, and not why',
    shownBy: {
      'simulate/endings.test.ts': ['a command that ends with %s fails the execution, with the cause in the ledger'],
      'simulate/object-workflow.test.ts': ['a failed command fails the execution with its cause in the record'],
    },
  },
];

test.each(regressions)('has a test for this: $fault', ({ shownBy }) => {
  const missing = Object.entries(shownBy).flatMap(([file, titles]) => {
    const text = readFileSync(join(__dirname, file), 'utf8');
    return titles.filter((title) => !isTitle(title, text)).map((title) => `${file}: ${title}`);
  });
  expect(missing).toEqual([]);
});

/** A title stands behind `test(`, `it(`, or the closing bracket of the cases of an `each`. */
function isTitle(title: string, text: string): boolean {
  const at = text.search(new RegExp(String.raw`['"\x60]${title.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)}`));
  return at >= 0 && /(?:\b(?:test|it)|\))\(\s*$/.test(text.slice(0, at));
}
