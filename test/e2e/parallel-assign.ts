/** A gap of the emulator: it ignores the variables that a Parallel state assigns. Asked for anew each time, and worked around. */
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { setTimeout as sleep } from 'node:timers/promises';
import { accountId, clientOptions, type Emulator } from './emulator';
import { changeTemplates } from './templates';

const branch = { StartAt: 'Inner', States: { Inner: { Type: 'Pass', Output: 'found', End: true } } };

/** Succeeds where a Parallel's variables reach the next state. */
const probe = {
  QueryLanguage: 'JSONata',
  StartAt: 'Outer',
  States: {
    Outer: { Type: 'Parallel', Branches: [branch], Assign: { inner: '{% $states.result[0] %}' }, Next: 'After' },
    After: { Type: 'Pass', Output: '{% $inner %}', End: true },
  },
};

/** @returns what the emulator says about a variable that a Parallel state has assigned; undefined when it knows it */
export async function probeParallelAssign(emulator: Emulator): Promise<string | undefined> {
  const states = new SFNClient(clientOptions(emulator));
  try {
    const { stateMachineArn } = await states.send(
      new CreateStateMachineCommand({
        name: 'probe-parallel-assign',
        roleArn: `arn:aws:iam::${accountId}:role/probe`,
        definition: JSON.stringify(probe),
      }),
    );
    const { executionArn } = await states.send(new StartExecutionCommand({ stateMachineArn }));
    for (;;) {
      const { status, error, cause } = await states.send(new DescribeExecutionCommand({ executionArn }));
      if (status === 'RUNNING') await sleep(100);
      else return status === 'SUCCEEDED' ? undefined : `${error}: ${cause}`;
    }
  } finally {
    states.destroy();
  }
}

/** Lets the states after each Parallel read its result from their input instead of from variables. */
export function avoidParallelAssign(assembly: string): void {
  changeTemplates(assembly, (template) => {
    for (const resource of Object.values(template.Resources)) {
      if (resource.Type !== 'AWS::StepFunctions::StateMachine') continue;
      const properties = resource.Properties!;
      const definition = properties['DefinitionString'];
      const assigned = assignedByParallels(definition);
      properties['DefinitionString'] = JSON.parse(JSON.stringify(definition), (_, value: unknown) =>
        typeof value === 'string' ? readInput(value, assigned) : value,
      ) as unknown;
    }
  });
}

/** Variables that take a branch's result, each with the index of the branch. */
function assignedByParallels(definition: unknown): Map<string, string> {
  // The definition is a text with quotes inside of a JSON text, in pieces.
  const found = JSON.stringify(definition).matchAll(/\\"(\w+)\\":\\"\{% \$states\.result\[(\d+)\] %\}/g);
  return new Map([...found].map(([, name, index]) => [name!, index!]));
}

/** @param text A piece of a definition. */
function readInput(text: string, assigned: ReadonlyMap<string, string>): string {
  return [...assigned].reduce(
    (changed, [name, index]) => changed.replace(new RegExp(`\\$${name}\\b`, 'g'), () => `$states.input[${index}]`),
    text,
  );
}
