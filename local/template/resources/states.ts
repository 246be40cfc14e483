/** Step Functions' resources: state machines with their definitions filled in, and activities. */
import { readFileSync } from 'node:fs';
import type { StateMachineDefinition, StatesService } from '../../services/states';
import type { Assets } from '../assembly';
import type { CreatedResource, ResourceHandlers, ResourceRequest } from '../resource';

interface StateMachineProperties {
  readonly StateMachineName?: string;
  readonly StateMachineType?: 'STANDARD' | 'EXPRESS';
  readonly RoleArn?: string;
  readonly Definition?: unknown;
  readonly DefinitionString?: string;
  readonly DefinitionS3Location?: { readonly Key?: string };
  readonly DefinitionSubstitutions?: Readonly<Record<string, unknown>>;
}

/** Handlers for the types of Step Functions. */
export function statesResources(states: StatesService, assets: Assets): ResourceHandlers {
  return {
    'AWS::StepFunctions::StateMachine': (request) => createStateMachine(request, states, assets),
    'AWS::StepFunctions::Activity': (request) => {
      const name = String(request.properties['Name'] ?? request.generateName(80));
      const arn = `arn:aws:states:${request.region}:${request.accountId}:activity:${name}`;
      states.activities.create(arn);
      return { ref: arn, attributes: { Arn: arn, Name: name } };
    },
    // A version or an alias stands for the one definition that there is.
    'AWS::StepFunctions::StateMachineVersion': (request) => qualified(request, '1'),
  };
}

function qualified(request: ResourceRequest, qualifier: string): CreatedResource {
  const arn = `${String(request.properties['StateMachineArn'])}:${qualifier}`;
  return { ref: arn, attributes: { Arn: arn } };
}

function createStateMachine(request: ResourceRequest, states: StatesService, assets: Assets): CreatedResource {
  const properties = request.properties as StateMachineProperties;
  const name = properties.StateMachineName ?? request.generateName(80);
  const arn = `arn:aws:states:${request.region}:${request.accountId}:stateMachine:${name}`;
  const definition: StateMachineDefinition = {
    arn,
    name,
    logicalId: request.logicalId,
    constructPath: request.constructPath ?? request.logicalId,
    type: properties.StateMachineType ?? 'STANDARD',
    roleArn: properties.RoleArn ?? '',
    definitionText: substitute(definitionText(request, properties, assets), properties.DefinitionSubstitutions ?? {}),
  };
  try {
    states.createStateMachine(definition);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`The definition of ${definition.constructPath} would be refused\n${reason}`, { cause: error });
  }
  return { ref: arn, attributes: { Arn: arn, Name: name, StateMachineRevisionId: 'INITIAL' } };
}

function definitionText(request: ResourceRequest, properties: StateMachineProperties, assets: Assets): string {
  if (properties.DefinitionString !== undefined) return properties.DefinitionString;
  if (properties.Definition !== undefined) return JSON.stringify(properties.Definition);
  const key = properties.DefinitionS3Location?.Key;
  const path = key === undefined ? undefined : assets.find(key);
  if (path !== undefined) return readFileSync(path, 'utf8');
  throw new Error(
    `The state machine has no definition that can be read, at ${request.constructPath ?? request.logicalId}\n  got: ${JSON.stringify(properties.DefinitionS3Location)}\n  allowed: DefinitionString, Definition, or an asset of this assembly\n  fix: use DefinitionBody.fromFile or fromChainable`,
  );
}

/** Replaces `${Name}`; a name without a substitution stays as it is. */
function substitute(text: string, substitutions: Readonly<Record<string, unknown>>): string {
  return text.replaceAll(/\$\{([A-Za-z0-9_]+)\}/g, (placeholder, name: string) =>
    name in substitutions ? String(substitutions[name]) : placeholder,
  );
}
