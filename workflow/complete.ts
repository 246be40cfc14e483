/** State "Complete": records that the object is stored, and what protects it. Only the record's owner can. */
import type { Construct } from 'constructs';
import { updateItemResource, updateItemStatements } from './claim';
import { IntegrationState, retryTransient, transientDynamoDbErrors } from './integration-state';
import type { WorkflowParts } from './parts';
import { expression, renderExpression, renderJsonata, type Expression } from './state-variables';
import { $ } from './workflow-variables';

/** Makes the last state. Its output is the execution's: the outcome, and where everything is. */
export function completeState(
  scope: Construct,
  { ledger: { table }, snapshot, backup }: WorkflowParts,
): IntegrationState {
  const recorded = [
    { name: 'results', value: $.results },
    ...(snapshot ? [{ name: 'image', value: $.image }] : []),
    ...(backup ? [{ name: 'recoveryPoint', value: $.recoveryPoint }] : []),
  ];
  const names = recorded.map(({ name }) => name);
  return new IntegrationState(scope, 'Complete', {
    comment: 'Records that the object is stored, with its image and its recovery point.',
    resource: updateItemResource,
    callArguments: {
      TableName: table.tableName,
      Key: { pk: { S: `${$.object.record.pk}` }, sk: { S: `${$.object.record.sk}` } },
      ConditionExpression: '#owner = :me',
      UpdateExpression:
        // Together with what protects them: a redrive may have left other results here.
        'SET #status = :stored, #storedAttempt = #attempt, #storedResults = :results, #finishedAt = :finishedAt' +
        names.map((name) => `, #${name} = :${name}`).join('') +
        ' REMOVE runningIn',
      ExpressionAttributeNames: Object.fromEntries(
        ['owner', 'status', 'storedAttempt', 'storedResults', 'attempt', 'finishedAt', ...names].map((name) => [
          `#${name}`,
          name,
        ]),
      ),
      ExpressionAttributeValues: renderExpression({
        ':me': { S: expression('$states.context.Execution.Id') },
        ':stored': { S: 'STORED' },
        ':finishedAt': { S: expression('$states.context.State.EnteredTime') },
        ...Object.fromEntries(recorded.map(({ name, value }) => [`:${name}`, { M: attributesOf(value) }])),
      }),
    },
    output: renderExpression({
      outcome: 'STORED',
      object: $.object,
      ...Object.fromEntries(recorded.map(({ name, value }) => [name, value])),
    }),
    statements: updateItemStatements(table),
  }).addRetry(retryTransient(transientDynamoDbErrors));
}

/** A value whose members are texts and numbers, as DynamoDB writes it. */
function attributesOf(value: Expression<object>): Expression<object> {
  const written = '$type($member) = "number" ? {"N": $string($member)} : {"S": $member}';
  return expression(`$merge($each(${renderJsonata(value)}, function($member, $name) { {$name: ${written}} }))`);
}
