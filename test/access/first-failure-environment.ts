/** Runs a test file until something in it fails: what comes after the first failure takes time and says nothing more. */
import type { Circus } from '@jest/types';
import { TestEnvironment } from 'jest-environment-node';

export default class FirstFailureEnvironment extends TestEnvironment {
  private hasFailed = false;

  handleTestEvent(event: Circus.Event): void {
    if (event.name === 'test_fn_failure') this.hasFailed = true;
    // What comes after a failed beforeAll is not run anyway; skipped, it would not count as failed.
    if (event.name === 'hook_failure' && event.hook.type !== 'beforeAll') this.hasFailed = true;
    if (event.name === 'test_start' && this.hasFailed) event.test.mode = 'skip';
  }
}
