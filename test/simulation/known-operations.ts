/** The operations of executions, and their commands, as the ledger and the services know them afterwards. */
import type { Simulation } from '../../local';
import { readItems, type PlainItem as Item } from '../../local/ledger-reader';
import { launchTagKeys } from '../../tasks/operations/fleet-instances';

export type { Item };

type Services = Pick<Simulation, 'services'>;

/** An operation, as the ledger has it. */
export interface KnownOperation {
  readonly id: string;
  readonly kind: 'command' | 'image' | 'backup-job';
  readonly owner: string;
  readonly createdAtMs: number;
  /** Of which an image is made. */
  readonly instanceId?: string;
}

/** All items of all tables. */
export function itemsOf({ services }: Services): Item[] {
  return readItems(services.dynamodb);
}

/** The operations of an execution. */
export function operationsOf(executionArn: string, simulation: Services): KnownOperation[] {
  return itemsOf(simulation).filter(
    ({ sk, owner }) => sk === 'operation' && owner === executionArn,
  ) as unknown as KnownOperation[];
}

/** The operation that a command was sent for, by its comment. */
export function operationIdOf(comment: string): string | undefined {
  return /^object-workflow (.*)-\d+$/.exec(comment)?.[1];
}

/** The instances that were launched for an operation, all tries. */
export function launchedFor(operationId: string, { services }: Services) {
  return [...services.ec2.instances.all.values()].filter(({ tags }) =>
    tags.get(launchTagKeys.run)?.startsWith(`${operationId}-`),
  );
}

/** The commands that were sent for an operation, all tries. */
export function commandsOf(operationId: string, { services }: Services) {
  return [...services.ssm.commands.all.values()].filter(({ comment }) => operationIdOf(comment) === operationId);
}
