/** A small app for tests of the simulator: functions from folders written on the fly, so that nothing of the workflow is needed. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { CfnStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';

/** An app with one stack, synthesized into a folder of its own. */
export function createApp(): { readonly app: App; readonly stack: Stack } {
  const app = new App({ outdir: temporaryFolder('assembly'), context: { '@aws-cdk/core:validateTemplates': false } });
  return { app, stack: new Stack(app, 'Small') };
}

export function temporaryFolder(name: string): string {
  return mkdtempSync(join(tmpdir(), `small-app-${name}-`));
}

/** A function whose code is that text, as `index.js`. */
export function addFunction(
  stack: Stack,
  id: string,
  code: string,
  environment: Record<string, string> = {},
): LambdaFunction {
  const folder = temporaryFolder('function');
  writeFileSync(join(folder, 'index.js'), code);
  return new LambdaFunction(stack, id, {
    runtime: Runtime.NODEJS_24_X,
    handler: 'index.handler',
    code: Code.fromAsset(folder),
    timeout: Duration.seconds(10),
    environment,
  });
}

/** Code of a typed handler: the contract of `defineTask`, without its bundle. */
export function typedHandler(body: string): string {
  return `const run = (runtime) => async (event, invocation) => { ${body} };
exports.handler = Object.assign(async () => { throw new Error('ran without the simulator'); }, { withRuntime: run });`;
}

export function addStateMachine(stack: Stack, id: string, definition: object): CfnStateMachine {
  const role = new Role(stack, `${id}Role`, { assumedBy: new ServicePrincipal('states.amazonaws.com') });
  return new CfnStateMachine(stack, id, { roleArn: role.roleArn, definitionString: stack.toJsonString(definition) });
}
