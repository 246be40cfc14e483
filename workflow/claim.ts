/** State "Claim object": reads the input, refuses what is not an object of the source, and writes the object's record with a
 * condition that only one execution at a time can meet. A direct DynamoDB call: no function has to run for a duplicate. */
import { Aws } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { ObjectSource } from '../constructs/object-source';
import type { Claim } from '../tasks/object-reference';
import { objectLeaseSeconds } from '../tasks/operations/object-record';
import { IntegrationState, retryTransient, transientDynamoDbErrors } from './integration-state';
import type { WorkflowParts } from './parts';
import { assignment, expression, renderJsonata } from './state-variables';
import { $ } from './workflow-variables';

/** Error of a write whose condition the record does not meet: another execution owns it. */
export const conditionFailedError = 'DynamoDB.ConditionalCheckFailedException';

/** Makes the state that claims an object for the execution. */
export function claimState(scope: Construct, { ledger: { table }, source }: WorkflowParts): IntegrationState {
  return new IntegrationState(scope, 'Claim object', {
    comment: 'Makes this execution the owner of the object version, unless it is done or being worked on.',
    resource: updateItemResource,
    callArguments: {
      // Each check stands in an expression of its own, because the error quotes the whole expression.
      TableName: `{% (${readPlace} ${checkPlace(source)} ? ${renderJsonata(table.tableName)} : ${refusal(source)}) %}`,
      Key: `{% (${readInput} ${recordKey}) %}`,
      ConditionExpression:
        'attribute_not_exists(pk) OR #owner = :me OR #status = :failed' +
        ' OR (#status = :running AND leaseExpiresAt < :now) OR (:force = :true AND #status <> :running)',
      UpdateExpression: `{% (${readInput} ${updateExpression}) %}`,
      ExpressionAttributeNames: {
        '#owner': 'owner',
        '#status': 'status',
        '#bucket': 'bucket',
        '#key': 'key',
        '#attempt': 'attempt',
        '#failure': 'failure',
        '#rejection': 'rejection',
      },
      ExpressionAttributeValues: `{% (${readInput} ${attributeValues}) %}`,
      ReturnValues: `{% (${readInput} ${checkFields} ? "ALL_NEW" : ${refusalOfFields}) %}`,
    },
    assign: assignment($, { claim: claimed }),
    output: '{% $states.input %}',
    statements: updateItemStatements(table),
  }).addRetry(retryTransient(transientDynamoDbErrors));
}

/** The DynamoDB call of the claim and of the completion. */
export const updateItemResource = `arn:${Aws.PARTITION}:states:::dynamodb:updateItem`;

/** What the state machine's role needs for that call, and nothing else of the table. DynamoDB opens a table that a key of yours
 * encrypts with the rights of whoever calls.
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/services-dynamodb.html (read 2026-11) */
export function updateItemStatements({ tableArn, encryptionKey }: ITable): PolicyStatement[] {
  return [
    new PolicyStatement({ actions: ['dynamodb:UpdateItem'], resources: [tableArn] }),
    ...(encryptionKey === undefined
      ? []
      : [new PolicyStatement({ actions: ['kms:Decrypt'], resources: [encryptionKey.keyArn] })]),
  ];
}

/** Where the object is, as variables of an expression, whichever of its two shapes the input has. */
const readPlace = oneLine(`
  $event := $states.input.detail;
  $bucket := $exists($event) ? $event.bucket.name : $states.input.bucket;
  $key := $exists($event) ? $event.object.key : $states.input.key;`);

/** The same with what tells its versions apart. "null" is what a bucket calls the version of an object that was stored
 * without versions, and calls the next one as well: it tells nothing apart. */
const readInput = `${readPlace} ${oneLine(`
  $version := $exists($event) ? $event.object.\`version-id\` : $states.input.versionId;
  $versionId := $version != "null" ? $version;
  $etag := $event.object.etag;
  $sequencer := $event.object.sequencer;`)}`;

/** As tasks/object-reference.ts says. */
const recordKey = oneLine(`{
  "pk": {"S": "object#" & $hash($bucket & "/" & $key, "SHA-256")},
  "sk": {"S": $exists($versionId) ? "version#" & $versionId
    : $exists($etag) ? "upload#" & $etag & "#" & $sequencer
    : "manual#" & $states.context.Execution.Name}}`);

/** An update and not a put, because it keeps the results of an earlier success until there are new ones. */
const updateExpression = oneLine(`
  "SET #bucket = :bucket, #key = :key, #owner = :me, #status = :running, runningIn = :machine, leaseExpiresAt = :leaseExpiresAt,
    claimedAt = :claimedAt, #attempt = if_not_exists(#attempt, :zero) + :one"
  & ($exists($versionId) ? ", versionId = :versionId" : "")
  & ($exists($etag) ? ", etag = :etag" : "")
  & ($exists($sequencer) ? ", sequencer = :sequencer" : "")
  & " REMOVE finishedAt, #failure, #rejection"`);

/** DynamoDB refuses values that the expressions do not use: a member whose value is undefined is left out.
 * Time is the instant at which the state was entered, so that a retried claim is the same claim. */
const attributeValues = oneLine(`
  $seconds := $floor($toMillis($states.context.State.EnteredTime) / 1000);
  {
    ":me": {"S": $states.context.Execution.Id},
    ":machine": {"S": $states.context.StateMachine.Name},
    ":running": {"S": "RUNNING"},
    ":failed": {"S": "FAILED"},
    ":bucket": {"S": $bucket},
    ":key": {"S": $key},
    ":versionId": $exists($versionId) ? {"S": $versionId},
    ":etag": $exists($etag) ? {"S": $etag},
    ":sequencer": $exists($sequencer) ? {"S": $sequencer},
    ":force": {"BOOL": $states.input.force = true},
    ":true": {"BOOL": true},
    ":now": {"N": $string($seconds)},
    ":leaseExpiresAt": {"N": $string($seconds + ${objectLeaseSeconds})},
    ":claimedAt": {"S": $states.context.State.EnteredTime},
    ":zero": {"N": "0"},
    ":one": {"N": "1"}
  }`);

/** The claim is what the record says: it was written from the input a moment ago, by the same call. */
const record = expression<Record<keyof Claim | 'pk' | 'sk', { readonly S: string }>>('$states.result.Attributes');
const claimed = {
  bucket: record.bucket.S,
  key: record.key.S,
  versionId: record.versionId.S,
  etag: record.etag.S,
  sequencer: record.sequencer.S,
  force: expression<boolean>('$states.input.force = true'),
  record: { pk: record.pk.S, sk: record.sk.S },
};

/** A condition that only objects of the source meet. JSONata counts characters, not the UTF-16 units of `length`. */
function checkPlace({ bucket, prefix = '', suffix = '' }: ObjectSource): string {
  const [prefixLength, suffixLength] = [[...prefix].length, [...suffix].length];
  return [
    `$bucket = ${renderJsonata(bucket.bucketName)}`,
    '$type($key) = "string"',
    '$key != ""',
    ...(prefix === '' ? [] : [`$substring($key, 0, ${prefixLength}) = ${renderJsonata(prefix)}`]),
    ...(suffix === '' ? [] : [`$substring($key, -${suffixLength}) = ${renderJsonata(suffix)}`]),
  ].join(' and ');
}

/** A condition that only fields meet which DynamoDB and S3 take as they are. Events have a `force` only by accident. */
const checkFields = oneLine(`(
  ($exists($version) ? $type($version) = "string" and $version != "" : true)
  and ($exists($etag) ? $type($etag) = "string" : true)
  and ($exists($sequencer) ? $type($sequencer) = "string" : true)
  and ($exists($event) or ($exists($states.input.force) ? $type($states.input.force) = "boolean" : true)))`);

const refusalOfFields = failure({
  what: 'A field of the input is not what it can be',
  got: '{"versionId": $version, "etag": $etag, "sequencer": $sequencer, "force": $states.input.force}',
  allowed: '"versionId" is a text and not empty, "etag" and "sequencer" are texts, "force" is true or false',
  fix: 'start another execution with the version id in quotes, as S3 shows it, or without the field',
});

/** Fails the state with a text for whoever started the execution: what an expression says becomes the execution's cause. */
function refusal({ bucket, prefix = '', suffix = '' }: ObjectSource): string {
  const example = JSON.stringify({ bucket: bucket.bucketName, key: `${prefix}…${suffix}` });
  return failure({
    what: 'The input names no object of this workflow',
    got: '{"bucket": $bucket, "key": $key}',
    allowed: `an S3 "Object Created" event, or ${example}, with "versionId" and "force": true if you like`,
    fix: 'start another execution with the name of an object as it stands in the bucket',
  });
}

/** @param message.got An expression. */
function failure({ what, got, allowed, fix }: Readonly<Record<'what' | 'got' | 'allowed' | 'fix', string>>): string {
  const beginning = renderJsonata(`${what}, at Claim object\n  got: `);
  const end = renderJsonata(`\n  allowed: ${allowed}\n  fix: ${fix}`);
  return `$error(${beginning} & $substring($string(${got}), 0, 200) & ${end})`;
}

function oneLine(code: string): string {
  return code.replace(/\s+/g, ' ').trim();
}
