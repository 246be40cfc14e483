/** State "Complete": records that the object is stored, and what protects it. Only the record's owner can. */
import type { Construct } from 'constructs';
import { updateItemResource, updateItemStatements } from './claim';
import { IntegrationState, retryTransient, transientDynamoDbErrors } from './integration-state';
import type { WorkflowParts } from './parts';
import { expression, renderExpression, renderJsonata } from './state-variables';
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
      ExpressionAttributeValues: attributeValues({
        ':me': { S: expression('$states.context.Execution.Id') },
        ':stored': { S: 'STORED' },
        ':finishedAt': { S: expression('$states.context.State.EnteredTime') },
        ...Object.fromEntries(
          recorded.map(({ name, value }) => [`:${name}`, expression(`$write(${renderJsonata(value)})`)]),
        ),
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

function attributeValues(values: Readonly<Record<string, unknown>>): string {
  return renderExpression(expression(`(${write}; ${renderJsonata(values)})`));
}

/** In JSONata: writes a value made of texts, numbers, lists and objects as DynamoDB takes it. */
const write = `$write := function($value) { ${[
  '$type($value) = "number" ? {"N": $string($value)}',
  '$type($value) = "string" ? {"S": $value}',
  // In brackets, because one item alone would not be a list.
  '$type($value) = "array" ? {"L": [$map($value, function($item) { $write($item) })]}',
  '{"M": $merge($each($value, function($member, $name) { {$name: $write($member)} }))}',
].join(' : ')} }`;
