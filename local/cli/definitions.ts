/** The state machines that `check` and `graph` are about: of an app, of an assembly, or in a file. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { Grant } from '../access/permission-report';
import { simulate } from '../simulate';
import { locateApp, synthesize } from './synthesize';
import { UsageError } from './usage-error';
import { inWorkspace } from './workspace';

/** A state machine's definition, as it would be deployed. */
export interface NamedDefinition {
  /** Construct path without the stack, or the name of the file. */
  readonly name: string;
  readonly text: string;
}

/** What is checked of a target. */
export interface CheckedTarget {
  readonly definitions: readonly NamedDefinition[];
  /** Grants on everything, where the resources have names; none for a file. */
  readonly broadGrants: readonly Grant[];
}

/** Reads the definitions of a target.
 * @throws UsageError when there is none */
export async function readDefinitions(target: string): Promise<readonly NamedDefinition[]> {
  return (await readTarget(target)).definitions;
}

/** Reads the definitions and the permissions of a target.
 * @param target Folder of a CDK app or of a synthesized assembly, or a file with one definition.
 * @throws UsageError when there is none */
export async function readTarget(target: string): Promise<CheckedTarget> {
  const path = resolve(target);
  if (existsSync(path) && statSync(path).isFile()) {
    return { definitions: [{ name: basename(path), text: readFileSync(path, 'utf8') }], broadGrants: [] };
  }
  const app = locateApp({ app: path });
  return inWorkspace(async (workspace, beforeClear) => {
    const simulation = await simulate(await synthesize(app, workspace), {});
    beforeClear(() => simulation.close());
    const machines = simulation.services.states.listStateMachines();
    if (machines.length === 0) {
      throw new UsageError({
        what: 'The app has no state machine',
        where: path,
        allowed: 'an app with an ObjectWorkflow or any other Step Functions state machine',
        fix: 'name another app, or a file with a definition',
      });
    }
    return {
      definitions: machines.map((machine) => ({ name: nameOf(machine.constructPath), text: machine.definitionText })),
      broadGrants: simulation.permissions().broad,
    };
  });
}

/** `Stack/SalesReport/StateMachine/Resource` → `SalesReport` */
function nameOf(constructPath: string): string {
  const parts = constructPath.split('/').filter((part) => part !== 'Resource' && part !== 'StateMachine');
  return parts.slice(1).join('/') || constructPath;
}
