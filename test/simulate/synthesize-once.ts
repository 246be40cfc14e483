/** An app of one stack that a whole test file shares: synthesized before its first test, removed after its last. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack, type StackProps } from 'aws-cdk-lib';
import { launchTemplateContext } from '../one-subnet-fleet';

/** @param define Puts into the stack what the file is about.
 * @returns what gives the directory of the assembly, once the tests run */
export function synthesizeOnce(stackName: string, define: (stack: Stack) => void, props?: StackProps): () => string {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), `${stackName.toLowerCase()}-`));
    // Functions are loaded from where they are built: from copies they would be compiled anew in each test file.
    const context = { ...launchTemplateContext, 'aws:cdk:disable-asset-staging': true };
    const app = new App({ outdir: folder, context });
    define(new Stack(app, stackName, props));
    app.synth();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return () => folder;
}
