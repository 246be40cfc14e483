/** State "Complete": records that the object is stored, and what protects it. Only the record's owner can; "Confirm completion" asks
 * what has become of the record where the execution is not its owner any more. */
import type { Construct } from 'constructs';
import { conditionFailedError, updateItemResource, updateItemStatements } from './claim';
import { IntegrationState, retryTransient, transientDynamoDbErrors } from './integration-state';
import { outcomes } from './outcome';
import type { WorkflowParts } from './parts';
import { expression, renderExpression, renderJsonata } from './state-variables';
import { $ } from './workflow-variables';

/** Makes the last state. Its output is the execution's: the outcome, and where everything is. */
export function completeState(scope: Construct, parts: WorkflowParts): IntegrationState {
  const { table } = parts.ledger;
  const recorded = recordedValues(parts);
  const names = recorded.map(({ name }) => name);
  return new IntegrationState(scope, 'Complete', {
    comment: 'Records that the object is stored, with its image and its recovery point.',
    resource: updateItemResource,
    callArguments: {
      TableName: table.tableName,
      Key: recordKey,
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
    output: renderExpression(stored(parts)),
    statements: updateItemStatements(table),
  })
    .addRetry(retryTransient(transientDynamoDbErrors))
    .addCatch(confirmState(scope, parts), { errors: [conditionFailedError] });
}

/** Makes the state for an execution whose record belongs to another one by now. Either its own completion had come through, the
 * answer was lost, and somebody has forced another run since; or it had failed, and was redriven too late. */
function confirmState(scope: Construct, parts: WorkflowParts): IntegrationState {
  const { table } = parts.ledger;
  const storedAttempt = '$number($states.result.Attributes.storedAttempt.N)';
  const attempt = renderJsonata($.object.attempt);
  // Nobody takes an object from an execution that has not ended, before it is stored.
  const wasStored =
    `${storedAttempt} = ${attempt} or ` +
    `(${storedAttempt} > ${attempt} and $states.context.Execution.RedriveCount = 0)`;
  const taken =
    'Another execution has taken the object, at Confirm completion\n' +
    '  got: a record with another owner, and without the results of this execution\n' +
    '  allowed: an execution completes an object that it owns\n' +
    '  fix: look at the execution that the record names as its owner; to process the object once more, ' +
    'start another execution with "force": true';
  return new IntegrationState(scope, 'Confirm completion', {
    comment: 'Another execution owns the record by now: succeeds if the results had been recorded before.',
    resource: updateItemResource,
    // Writes what is there already: the execution may not read the ledger, and need not for this.
    callArguments: {
      TableName: table.tableName,
      Key: recordKey,
      ConditionExpression: 'attribute_exists(#status)',
      UpdateExpression: 'SET #status = #status',
      ExpressionAttributeNames: { '#status': 'status' },
      ReturnValues: 'ALL_NEW',
    },
    output: `{% ${wasStored} ? ${renderJsonata(stored(parts))} : $error(${renderJsonata(taken)}) %}`,
    statements: updateItemStatements(table),
  }).addRetry(retryTransient(transientDynamoDbErrors));
}

const recordKey = { pk: { S: `${$.object.record.pk}` }, sk: { S: `${$.object.record.sk}` } };

/** What the record is given. */
function recordedValues({ snapshot, backup }: WorkflowParts) {
  return [
    { name: 'results', value: $.results },
    ...(snapshot ? [{ name: 'image', value: $.image }] : []),
    ...(backup ? [{ name: 'recoveryPoint', value: $.recoveryPoint }] : []),
  ];
}

/** The output of an execution that has stored its object. */
function stored(parts: WorkflowParts): object {
  const recorded = recordedValues(parts).map(({ name, value }) => [name, value] as const);
  return { outcome: outcomes.stored, object: $.object, ...Object.fromEntries(recorded) };
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
