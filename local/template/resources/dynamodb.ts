/** DynamoDB's resources: tables, on their own and global ones with the replica of this Region. */
import type { DynamoDbService, IndexDescription, TableDescription } from '../../services/dynamodb';
import { UnsupportedError } from '../../services/service';
import type { CreatedResource, ResourceHandlers, ResourceRequest } from '../resource';

interface KeySchemaElement {
  readonly AttributeName: string;
  readonly KeyType: 'HASH' | 'RANGE';
}

interface IndexProperties {
  readonly IndexName: string;
  readonly KeySchema: readonly KeySchemaElement[];
  readonly Projection: {
    readonly ProjectionType?: IndexDescription['projection'];
    readonly NonKeyAttributes?: readonly string[];
  };
}

interface TableProperties {
  readonly TableName?: string;
  readonly KeySchema: readonly KeySchemaElement[];
  readonly AttributeDefinitions: readonly { readonly AttributeName: string; readonly AttributeType: 'S' | 'N' | 'B' }[];
  readonly GlobalSecondaryIndexes?: readonly IndexProperties[];
  readonly LocalSecondaryIndexes?: readonly IndexProperties[];
  readonly TimeToLiveSpecification?: { readonly AttributeName?: string; readonly Enabled: boolean | string };
}

/** Change nothing that a workflow sees here. */
const inert = [
  'AttributeDefinitions',
  'BillingMode',
  'ContributorInsightsSpecification',
  'DeletionProtectionEnabled',
  'GlobalSecondaryIndexes',
  'KeySchema',
  'LocalSecondaryIndexes',
  'OnDemandThroughput',
  'PointInTimeRecoverySpecification',
  'ProvisionedThroughput',
  'Replicas',
  'ResourcePolicy',
  'SSESpecification',
  'TableClass',
  'TableName',
  'Tags',
  'TimeToLiveSpecification',
  'WarmThroughput',
  'WriteOnDemandThroughputSettings',
  'WriteProvisionedThroughputSettings',
];

/** Handlers for the types of DynamoDB. */
export function dynamodbResources(dynamodb: DynamoDbService): ResourceHandlers {
  return {
    'AWS::DynamoDB::Table': (request) => createTable(request, dynamodb),
    'AWS::DynamoDB::GlobalTable': (request) => createTable(request, dynamodb),
  };
}

function createTable(request: ResourceRequest, dynamodb: DynamoDbService): CreatedResource {
  const refused = Object.keys(request.properties).find((name) => !inert.includes(name));
  if (refused !== undefined) {
    throw new UnsupportedError(
      `${request.type}.${refused}`,
      `${request.logicalId} of stack ${request.stackName}`,
      `leave ${refused} out of the stack that is simulated`,
    );
  }
  const properties = request.properties as unknown as TableProperties;
  const name = properties.TableName ?? request.generateName(255);
  const timeToLive = properties.TimeToLiveSpecification;
  const description: TableDescription = {
    name,
    ...readKey(properties.KeySchema),
    attributeTypes: Object.fromEntries(
      properties.AttributeDefinitions.map(({ AttributeName, AttributeType }) => [AttributeName, AttributeType]),
    ),
    indexes: [
      ...(properties.GlobalSecondaryIndexes ?? []).map((index) => readIndex(index, true)),
      ...(properties.LocalSecondaryIndexes ?? []).map((index) => readIndex(index, false)),
    ],
    ...(timeToLive?.AttributeName !== undefined &&
      String(timeToLive.Enabled) === 'true' && { timeToLiveAttribute: timeToLive.AttributeName }),
  };
  dynamodb.createTable(description);
  return { ref: name, attributes: { Arn: dynamodb.tableArn(name), TableId: name } };
}

function readIndex(index: IndexProperties, isGlobal: boolean): IndexDescription {
  return {
    name: index.IndexName,
    ...readKey(index.KeySchema),
    isGlobal,
    projection: index.Projection.ProjectionType ?? 'ALL',
    includedAttributes: index.Projection.NonKeyAttributes ?? [],
  };
}

function readKey(schema: readonly KeySchemaElement[]): { readonly partitionKey: string; readonly sortKey?: string } {
  const name = (type: KeySchemaElement['KeyType']): string | undefined =>
    schema.find(({ KeyType }) => KeyType === type)?.AttributeName;
  const sortKey = name('RANGE');
  return { partitionKey: name('HASH')!, ...(sortKey !== undefined && { sortKey }) };
}
