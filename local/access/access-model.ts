/** What a template says about access besides its roles: policies of resources, keys, and which service acts as which role. */
import { busNameOf } from '../services/events';
import type { CreatedResource, ResourceHandlers, ResourceRequest } from '../template/resource';
import { compilePolicy, type Statement } from './policy';

/** A role that the template gives to a service. */
export interface RoleUse {
  /** ARN, or name where the template uses that. */
  readonly role: string;
  /** Service principal. */
  readonly service: string;
  /** ARN of what the service acts for; undefined where requests do not carry it. */
  readonly sourceArn: string | undefined;
}

/** A state machine that writes logs or traces with its role. */
export interface ObservedMachine {
  readonly arn: string;
  readonly roleArn: string;
  readonly writesLogs: boolean;
  readonly isTraced: boolean;
}

/** The policies of resources, and what else decides about access to them. */
export class AccessModel {
  /** By ARN of the resource. */
  readonly resourcePolicies = new Map<string, readonly Statement[]>();
  /** Policies of CloudWatch Logs: of the account, for all its log groups. */
  readonly logPolicies: Statement[] = [];
  /** ARN of the key that encrypts a resource, by the resource's ARN. */
  readonly encryptionKeys = new Map<string, string>();
  /** Attribute of the partition key, by name of the table. */
  readonly partitionKeys = new Map<string, string>();
  /** Roles of profiles, functions, machines and targets. */
  readonly roleUses: RoleUse[] = [];
  readonly machines: ObservedMachine[] = [];
  /** Flow logs to CloudWatch: with which role, and to which group. */
  readonly flowLogs: { readonly roleArn: string; readonly group: string }[] = [];
  /** Names of the functions that write traces. */
  readonly tracedFunctions = new Set<string>();
  /** ARN of a role's permissions boundary, by the role's ARN. */
  readonly boundaries = new Map<string, string>();
  /** Construct path of a role, by its ARN. */
  readonly rolePaths = new Map<string, string>();
  private readonly keyArns = new Map<string, string>();

  addKey(id: string, arn: string): void {
    for (const identifier of [id, arn]) this.keyArns.set(identifier, arn);
  }

  /** Several permissions of a function are one policy. */
  addStatements(resourceArn: string, statements: readonly Statement[]): void {
    this.resourcePolicies.set(resourceArn, [...(this.resourcePolicies.get(resourceArn) ?? []), ...statements]);
  }

  /** @param key Id, ARN or alias as the template names it; a key that AWS manages needs no permission of anybody. */
  encrypt(resourceArn: string, key: unknown): void {
    if (typeof key !== 'string' || key.includes('alias/aws/')) return;
    this.encryptionKeys.set(resourceArn, this.keyArns.get(key) ?? key);
  }
}

type Observer = (request: ResourceRequest, created: CreatedResource, model: AccessModel) => void;
type Properties = Readonly<Record<string, unknown>>;

/** Lets the model see every resource that is created. */
export function observeResources(handlers: ResourceHandlers, model: AccessModel): ResourceHandlers {
  const observed = Object.entries(observers).map(([type, observe]) => {
    const create = handlers[type];
    if (create === undefined) throw new Error(`Resources of the type ${type} are observed, but nothing creates them`);
    return [
      type,
      (request: ResourceRequest): CreatedResource => {
        const created = create(request);
        observe(request, created, model);
        return created;
      },
    ] as const;
  });
  return { ...handlers, ...Object.fromEntries(observed) };
}

const observers: Readonly<Record<string, Observer>> = {
  'AWS::IAM::Role': (request, created, model) => {
    model.rolePaths.set(attribute(created, 'Arn'), nameOf(request));
    const boundary = request.properties['PermissionsBoundary'];
    if (typeof boundary === 'string') model.boundaries.set(attribute(created, 'Arn'), boundary);
  },
  'AWS::IAM::InstanceProfile': ({ properties }, _, model) => {
    for (const role of texts(properties['Roles'])) useRole(role, 'ec2.amazonaws.com', undefined, model);
  },
  'AWS::EC2::FlowLog': ({ properties }, _, model) => {
    const { DeliverLogsPermissionArn: roleArn, LogGroupName: group } = properties;
    if (typeof roleArn !== 'string' || typeof group !== 'string') return;
    useRole(roleArn, 'vpc-flow-logs.amazonaws.com', undefined, model);
    model.flowLogs.push({ roleArn, group });
  },
  'AWS::KMS::Key': (request, created, model) => {
    const arn = attribute(created, 'Arn');
    model.addKey(created.ref, arn);
    model.addStatements(arn, compilePolicy(request.properties['KeyPolicy'], nameOf(request), 'resource'));
  },
  'AWS::KMS::Alias': ({ properties }, created, model) => {
    const target = String(properties['TargetKeyId']);
    const arn = target.startsWith('arn:') ? target : attribute(created, 'Arn').replace(/:alias\/.*$/, `:key/${target}`);
    model.addKey(created.ref, arn);
  },
  'AWS::S3::Bucket': ({ properties }, created, model) => {
    const { ServerSideEncryptionConfiguration: rules = [] } = (properties['BucketEncryption'] ?? {}) as {
      readonly ServerSideEncryptionConfiguration?: readonly { readonly ServerSideEncryptionByDefault?: Properties }[];
    };
    model.encrypt(attribute(created, 'Arn'), rules[0]?.ServerSideEncryptionByDefault?.['KMSMasterKeyID']);
  },
  'AWS::S3::BucketPolicy': (request, _, model) =>
    attach(request, [`arn:aws:s3:::${String(request.properties['Bucket'])}`], model),
  'AWS::SQS::Queue': ({ properties }, created, model) =>
    model.encrypt(attribute(created, 'Arn'), properties['KmsMasterKeyId']),
  'AWS::SQS::QueuePolicy': (request, _, model) => {
    const { region, accountId } = request;
    const names = texts(request.properties['Queues']).map((url) => url.split('/').at(-1)!);
    attach(
      request,
      names.map((name) => `arn:aws:sqs:${region}:${accountId}:${name}`),
      model,
    );
  },
  'AWS::SNS::Topic': ({ properties }, created, model) => model.encrypt(created.ref, properties['KmsMasterKeyId']),
  'AWS::SNS::TopicPolicy': (request, _, model) => attach(request, texts(request.properties['Topics']), model),
  'AWS::DynamoDB::Table': (request, created, model) => {
    const { KeySchema: keys, SSESpecification: encryption } = request.properties as {
      readonly KeySchema?: readonly { readonly AttributeName: string; readonly KeyType: string }[];
      readonly SSESpecification?: Properties;
    };
    const partitionKey = keys?.find(({ KeyType }) => KeyType === 'HASH');
    if (partitionKey !== undefined) model.partitionKeys.set(created.ref, partitionKey.AttributeName);
    model.encrypt(attribute(created, 'Arn'), encryption?.['KMSMasterKeyId']);
  },
  'AWS::Backup::BackupVault': (request, created, model) => {
    const document = request.properties['AccessPolicy'];
    if (document === undefined) return;
    model.addStatements(attribute(created, 'BackupVaultArn'), compilePolicy(document, nameOf(request), 'resource'));
  },
  'AWS::Events::EventBusPolicy': (request, _, model) => {
    const { Statement: statement, EventBusName: bus = 'default' } = request.properties;
    const arn = `arn:aws:events:${request.region}:${request.accountId}:event-bus/${busNameOf(String(bus))}`;
    model.addStatements(arn, compilePolicy({ Statement: [statement] }, nameOf(request), 'resource'));
  },
  'AWS::Events::Rule': ({ properties }, created, model) => {
    for (const target of (properties['Targets'] ?? []) as readonly Properties[]) {
      useRole(target['RoleArn'], 'events.amazonaws.com', attribute(created, 'Arn'), model);
    }
  },
  'AWS::Lambda::Permission': addFunctionPermission,
  'AWS::Lambda::Function': ({ properties }, created, model) => {
    useRole(properties['Role'], 'lambda.amazonaws.com', attribute(created, 'Arn'), model);
    const { Mode: mode } = (properties['TracingConfig'] ?? {}) as Properties;
    if (mode === 'Active') model.tracedFunctions.add(created.ref);
  },
  'AWS::StepFunctions::StateMachine': ({ properties }, created, model) => {
    useRole(properties['RoleArn'], 'states.amazonaws.com', created.ref, model);
    const { Destinations: destinations = [] } = (properties['LoggingConfiguration'] ?? {}) as {
      readonly Destinations?: readonly unknown[];
    };
    const { Enabled: isTraced = false } = (properties['TracingConfiguration'] ?? {}) as Properties;
    model.machines.push({
      arn: created.ref,
      roleArn: String(properties['RoleArn']),
      writesLogs: destinations.length > 0,
      isTraced: String(isTraced) === 'true',
    });
  },
  'AWS::Logs::ResourcePolicy': (request, _, model) => {
    const { PolicyDocument: document, PolicyName: name } = request.properties;
    const parsed: unknown = typeof document === 'string' ? JSON.parse(document) : document;
    model.logPolicies.push(...compilePolicy(parsed, String(name), 'resource'));
  },
};

/** A permission of a function is a statement of the function's policy.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html (read 2026-11) */
function addFunctionPermission(request: ResourceRequest, _: CreatedResource, model: AccessModel): void {
  const { Action, Principal, FunctionName, SourceArn, SourceAccount, PrincipalOrgID } = request.properties as Readonly<
    Record<string, string | undefined>
  >;
  const name = FunctionName ?? '';
  const resource = name.startsWith('arn:')
    ? name
    : `arn:aws:lambda:${request.region}:${request.accountId}:function:${name}`;
  const isService = Principal?.includes('.') === true && !Principal.startsWith('arn:');
  const statement = {
    Effect: 'Allow',
    Principal: isService ? { Service: Principal } : { AWS: Principal },
    Action,
    Resource: resource,
    Condition: {
      ...(SourceArn !== undefined && { ArnLike: { 'aws:SourceArn': SourceArn } }),
      ...((SourceAccount !== undefined || PrincipalOrgID !== undefined) && {
        StringEquals: {
          ...(SourceAccount !== undefined && { 'aws:SourceAccount': SourceAccount }),
          ...(PrincipalOrgID !== undefined && { 'aws:PrincipalOrgID': PrincipalOrgID }),
        },
      }),
    },
  };
  model.addStatements(resource, compilePolicy({ Statement: [statement] }, nameOf(request), 'resource'));
}

function attach(request: ResourceRequest, resourceArns: readonly string[], model: AccessModel): void {
  const statements = compilePolicy(request.properties['PolicyDocument'], nameOf(request), 'resource');
  for (const arn of resourceArns) model.addStatements(arn, statements);
}

function useRole(role: unknown, service: string, sourceArn: string | undefined, model: AccessModel): void {
  if (typeof role === 'string' && role !== '') model.roleUses.push({ role, service, sourceArn });
}

function nameOf({ constructPath, logicalId }: ResourceRequest): string {
  return constructPath ?? logicalId;
}

function attribute(created: CreatedResource, name: string): string {
  return String(created.attributes[name]);
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
