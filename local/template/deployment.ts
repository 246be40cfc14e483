/** Creates the resources of one stack in dependency order, and answers references to them. */
import type { RandomSource } from '../random';
import { readJson, type Assets } from './assembly';
import type { ConstructPaths } from './construct-paths';
import { inCreationOrder } from './dependency-order';
import {
  conditionHolds,
  guardUnknown,
  refuse,
  resolveValue,
  noValue,
  UnknownValue,
  type ResolutionScope,
} from './intrinsic-functions';
import { parameterValue, storedParameterValue, type ParameterValues } from './parameters';
import type { CreatedResource, ResourceHandlers } from './resource';
import type { Template, TemplateResource } from './template';

/** A resource that now exists, simulated or not. */
export interface DeployedResource {
  readonly logicalId: string;
  readonly type: string;
  readonly stackName: string;
  /** Without leading slash; the logical id where the assembly does not say. */
  readonly constructPath: string;
  /** What `Ref` gives; undefined for a resource that is not simulated. */
  readonly physicalId: string | undefined;
}

/** A resource of a type that is not simulated. Nothing is wrong until something has to use it. */
export interface UnsupportedResource {
  readonly logicalId: string;
  readonly type: string;
  readonly stackName: string;
  readonly constructPath: string;
}

/** Everything that stacks of one deployment share. */
export interface DeploymentContext {
  readonly region: string;
  readonly accountId: string;
  readonly random: RandomSource;
  readonly handlers: ResourceHandlers;
  readonly parameters: ParameterValues;
  readonly assets: Assets;
  /** Values of `Fn::ImportValue`, filled as stacks are deployed. */
  readonly exports: Map<string, unknown>;
  readonly resources: DeployedResource[];
  readonly unsupported: UnsupportedResource[];
}

/** A stack about to be deployed. */
export interface StackDeployment {
  readonly stackName: string;
  readonly template: Template;
  readonly constructPaths: ConstructPaths;
  /** Parameters handed over by a parent stack. They come before those of the user. */
  readonly nestedParameters?: Readonly<Record<string, unknown>>;
}

/** Deploys a stack.
 * @returns its outputs by name
 * @throws Error when resources refer to each other in a circle
 * @throws UnsupportedError when a simulated resource needs a value that nothing simulated can give */
export function deployStack(stack: StackDeployment, context: DeploymentContext): Readonly<Record<string, unknown>> {
  const { template, stackName } = stack;
  const created = new Map<string, CreatedResource>();
  const scope = createScope(stack, context, created);
  const wanted = Object.entries(template.Resources ?? {}).filter(
    ([, resource]) => resource.Condition === undefined || conditionHolds(resource.Condition, scope),
  );
  const resources = Object.fromEntries(wanted);
  for (const logicalId of inCreationOrder(resources, stackName)) {
    const resource = resources[logicalId]!;
    const outcome =
      resource.Type === 'AWS::CloudFormation::Stack'
        ? deployNestedStack(logicalId, resource, stack, context, scope)
        : createResource(logicalId, resource, stack, context, scope);
    const about = { logicalId, type: resource.Type, stackName, constructPath: stack.constructPaths.of(logicalId) };
    if (outcome === undefined) context.unsupported.push(about);
    else created.set(logicalId, outcome);
    context.resources.push({ ...about, physicalId: outcome?.ref });
  }
  return resolveOutputs(template, scope, context);
}

function createResource(
  logicalId: string,
  resource: TemplateResource,
  stack: StackDeployment,
  context: DeploymentContext,
  scope: ResolutionScope,
): CreatedResource | undefined {
  const handler = context.handlers[resource.Type];
  if (handler === undefined) return undefined;
  const properties = guardUnknown(resolveValue(resource.Properties ?? {}, scope), `${logicalId} (${resource.Type})`);
  return handler({
    type: resource.Type,
    logicalId,
    constructPath: stack.constructPaths.of(logicalId),
    stackName: stack.stackName,
    region: context.region,
    accountId: context.accountId,
    properties: properties as Readonly<Record<string, unknown>>,
    generateName: nameGenerator(stack.stackName, logicalId, context.random),
  });
}

/** Names as CloudFormation makes them: stack, logical id, twelve letters or digits; what is too long is cut in the middle part. */
function nameGenerator(stackName: string, logicalId: string, random: RandomSource) {
  return (maximumLength: number, options?: { readonly lowerCase?: boolean }): string => {
    const suffix = random.fork(`name/${stackName}/${logicalId}`).hex(12);
    const start = `${stackName}-${logicalId}`.slice(0, maximumLength - suffix.length - 1);
    return options?.lowerCase === true ? `${start}-${suffix}`.toLowerCase() : `${start}-${suffix.toUpperCase()}`;
  };
}

function deployNestedStack(
  logicalId: string,
  resource: TemplateResource,
  parent: StackDeployment,
  context: DeploymentContext,
  scope: ResolutionScope,
): CreatedResource {
  const where = `${logicalId} (${resource.Type})`;
  const url = resolveValue(resource.Properties?.['TemplateURL'], scope);
  if (url instanceof UnknownValue) refuse(url, where);
  const objectKey = String(url).slice(String(url).lastIndexOf('/') + 1);
  const path = context.assets.find(objectKey);
  if (path === undefined) {
    throw new Error(
      `The template of a nested stack is not in the assembly, at ${where}\n  got: ${String(url)}\n  fix: synthesize again`,
    );
  }
  const stackName = `${parent.stackName}-${logicalId}`;
  const outputs = deployStack(
    {
      stackName,
      template: readJson<Template>(path),
      constructPaths: parent.constructPaths.nested(logicalId),
      nestedParameters: resolveValue(resource.Properties?.['Parameters'] ?? {}, scope) as Readonly<
        Record<string, unknown>
      >,
    },
    context,
  );
  const ref = `arn:aws:cloudformation:${context.region}:${context.accountId}:stack/${stackName}/${context.random.fork(stackName).uuid()}`;
  return {
    ref,
    attributes: Object.fromEntries(Object.entries(outputs).map(([name, value]) => [`Outputs.${name}`, value])),
  };
}

function resolveOutputs(
  template: Template,
  scope: ResolutionScope,
  context: DeploymentContext,
): Readonly<Record<string, unknown>> {
  const outputs: Record<string, unknown> = {};
  for (const [name, output] of Object.entries(template.Outputs ?? {})) {
    if (output.Condition !== undefined && !conditionHolds(output.Condition, scope)) continue;
    const value = resolveValue(output.Value, scope);
    outputs[name] = value;
    if (output.Export !== undefined) context.exports.set(String(resolveValue(output.Export.Name, scope)), value);
  }
  return outputs;
}

function createScope(
  stack: StackDeployment,
  context: DeploymentContext,
  created: ReadonlyMap<string, CreatedResource>,
): ResolutionScope {
  const { template, stackName } = stack;
  const pseudoParameters = pseudoParameterValues(stackName, context);
  const reference = (name: string): unknown => {
    if (name in pseudoParameters) return pseudoParameters[name];
    const nested = stack.nestedParameters?.[name];
    if (nested !== undefined) return nested;
    const parameter = template.Parameters?.[name];
    if (parameter !== undefined) return parameterValue(name, parameter, context.parameters, stackName);
    return created.get(name)?.ref ?? unknownReference(stack, name, 'Ref');
  };
  return {
    template,
    stackName,
    region: context.region,
    reference,
    attribute: (logicalId, attribute) =>
      created.get(logicalId)?.attributes[attribute] ?? unknownReference(stack, logicalId, attribute),
    exported: (name) => {
      if (context.exports.has(name)) return context.exports.get(name);
      return new UnknownValue(
        `The export ${name}, which the stack ${stackName} imports from a stack outside of this assembly,`,
        'pass the app that contains both stacks',
      );
    },
    dynamicReference: (text) => dynamicReferenceValue(text, context.parameters),
  };
}

function pseudoParameterValues(stackName: string, context: DeploymentContext): Readonly<Record<string, unknown>> {
  const stackId = context.random.fork(`stack/${stackName}`).uuid();
  return {
    'AWS::AccountId': context.accountId,
    'AWS::NoValue': noValue,
    'AWS::NotificationARNs': [],
    'AWS::Partition': 'aws',
    'AWS::Region': context.region,
    'AWS::StackId': `arn:aws:cloudformation:${context.region}:${context.accountId}:stack/${stackName}/${stackId}`,
    'AWS::StackName': stackName,
    'AWS::URLSuffix': 'amazonaws.com',
  };
}

function dynamicReferenceValue(text: string, parameters: ParameterValues): unknown {
  const [service, path] = text.split(':');
  if (service === 'ssm' && path !== undefined) return storedParameterValue(path, parameters);
  return new UnknownValue(`The dynamic reference {{resolve:${text}}}`, 'keep it out of what you run locally');
}

function unknownReference(stack: StackDeployment, logicalId: string, attribute: string): UnknownValue {
  const resource = stack.template.Resources?.[logicalId];
  if (resource === undefined) {
    throw new Error(
      `A reference leads nowhere, at the stack ${stack.stackName}\n  got: "${logicalId}"\n  allowed: a resource or parameter of the same template\n  fix: CloudFormation would refuse this template too; correct it where it is made`,
    );
  }
  const what = attribute === 'Ref' ? 'The reference to' : `The attribute ${attribute} of`;
  return new UnknownValue(
    `${what} ${stack.constructPaths.of(logicalId)} (${resource.Type})`,
    'leave out what uses it, or give a stand-in for the function that does: simulate(app, { standIns: { … } })',
  );
}
