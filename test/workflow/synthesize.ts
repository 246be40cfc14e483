/** Synthesizes a workflow for a test, and reads its definition as AWS would get it. */
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import {
  InstanceFleet,
  ObjectStore,
  ObjectWorkflow,
  Processor,
  type ObjectSource,
  type ObjectWorkflowProps,
} from '../../workflow';

export interface Synthesis {
  readonly stack: Stack;
  readonly inbox: ObjectStore;
  readonly workflow: ObjectWorkflow;
}

/** Leaves the handlers' bundles where they are: a test of the template has no use for copies. */
export const withoutCopies = { 'aws:cdk:disable-asset-staging': true };

export const command = 'wc -l < "$OBJECT_FILE" > "$RESULTS_DIR/lines"';

/** The smallest workflow there is, with what a test adds to it. */
export function makeWorkflow(
  props: Partial<Omit<ObjectWorkflowProps, 'source'>> & { readonly source?: Partial<ObjectSource> } = {},
  options: { readonly stack?: Stack } = {},
): Synthesis {
  const stack = options.stack ?? new Stack(new App({ context: withoutCopies }), 'Test');
  const inbox = new ObjectStore(stack, 'Inbox');
  const workflow = new ObjectWorkflow(stack, 'Invoices', {
    processor: Processor.fleet(InstanceFleet.fromInstances({ instanceId: 'i-0123456789abcdef0' }), { command }),
    ...props,
    source: { bucket: inbox.bucket, ...props.source },
  });
  return { stack, inbox, workflow };
}

export interface StateJson {
  readonly Type: string;
  readonly Comment?: string;
  readonly Next?: string;
  readonly End?: boolean;
  readonly Resource?: string;
  readonly Arguments?: Readonly<Record<string, unknown>>;
  readonly Assign?: Readonly<Record<string, string>>;
  readonly Output?: unknown;
  readonly HeartbeatSeconds?: string;
  readonly Retry?: readonly { readonly ErrorEquals: readonly string[]; readonly [name: string]: unknown }[];
  readonly Catch?: readonly {
    readonly ErrorEquals: readonly string[];
    readonly Next: string;
    readonly Assign?: object;
  }[];
  readonly Branches?: readonly DefinitionJson[];
}

export interface DefinitionJson {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, StateJson>>;
  readonly TimeoutSeconds?: number;
  readonly QueryLanguage?: string;
}

/** The only state machine's definition. References are written as the logical ids in `<…>`. */
export function definitionOf(stack: Stack): DefinitionJson {
  const machines = Object.values(Template.fromStack(stack).findResources('AWS::StepFunctions::StateMachine'));
  return JSON.parse(resolveText(machines[0]!['Properties'].DefinitionString)) as DefinitionJson;
}

/** Every state, those in branches included. */
export function statesOf(definition: DefinitionJson): Readonly<Record<string, StateJson>> {
  return Object.fromEntries(
    Object.entries(definition.States).flatMap(([name, state]) => [
      [name, state] as const,
      ...(state.Branches ?? []).flatMap((branch) => Object.entries(statesOf(branch))),
    ]),
  );
}

/** Every JSONata expression in a value, without its delimiters, with the path to it. */
export function expressionsIn(value: unknown, path = ''): { readonly path: string; readonly code: string }[] {
  if (typeof value === 'string') {
    const code = /^\{%([^]*)%\}$/.exec(value)?.[1];
    return code === undefined ? [] : [{ path, code }];
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => expressionsIn(member, `${path}/${name}`));
}

function resolveText(value: unknown): string {
  if (typeof value === 'string') return value;
  const intrinsic = value as { 'Fn::Join'?: [string, unknown[]]; Ref?: string; 'Fn::GetAtt'?: string[] };
  if (intrinsic['Fn::Join']) return intrinsic['Fn::Join'][1].map(resolveText).join(intrinsic['Fn::Join'][0]);
  if (intrinsic.Ref === 'AWS::Partition') return 'aws';
  return `<${intrinsic.Ref ?? intrinsic['Fn::GetAtt']?.join('.')}>`;
}
