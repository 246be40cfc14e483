/** Where each test file runs: jest's environment for Node, without two costs that grow with the number of test files before it. */
import asyncHooks from 'node:async_hooks';
import vm, { type CompileFunctionOptions, type Context } from 'node:vm';
import { TestEnvironment } from 'jest-environment-node';

/** Jest compiles every file anew for each test file that imports it, which took an eighth of all time. Of a script, V8 finds what it
 * has compiled before, by name and text; of what `compileFunction` makes it does not. */
function compileFunction(
  source: string,
  parameters: readonly string[],
  { filename, parsingContext }: CompileFunctionOptions & { readonly parsingContext: Context },
): unknown {
  const beginning = `(function (${parameters.join(', ')}) {`;
  const script = new vm.Script(`${beginning}${source}\n})`, { filename: filename!, columnOffset: -beginning.length });
  return script.runInContext(parsingContext);
}

/** Jest makes a storage for each test file and leaves it enabled, so that Node 20 looks after all of them at every promise. */
const storages: asyncHooks.AsyncLocalStorage<unknown>[] = [];

class NotedStorage<Value> extends asyncHooks.AsyncLocalStorage<Value> {
  constructor() {
    super();
    storages.push(this);
  }
}

Object.assign(vm, { compileFunction });
Object.assign(asyncHooks, { AsyncLocalStorage: NotedStorage });

export default class extends TestEnvironment {
  override async teardown(): Promise<void> {
    for (const storage of storages.splice(0)) storage.disable();
    await super.teardown();
  }
}
