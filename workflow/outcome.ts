/** How an execution can end: its last states, and the rules that tell others of it. */
import { Rule, type OnEventOptions } from 'aws-cdk-lib/aws-events';
import { Succeed, type StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { Rejection } from '../tasks/object-reference';
import { expression, renderExpression } from './state-variables';
import { $ } from './workflow-variables';

/** `outcome` in the output of an execution that has succeeded. */
export const outcomes = { stored: 'STORED', rejected: 'REJECTED', alreadyClaimed: 'ALREADY_CLAIMED' } as const;

/** The end of an execution whose object version is done, or being worked on by another execution. */
export function alreadyClaimedState(scope: Construct): Succeed {
  return Succeed.jsonata(scope, 'Already claimed', {
    comment: 'This object version is done, or another execution works on it: an announcement came twice.',
    outputs: { outcome: outcomes.alreadyClaimed },
  });
}

/** The end of an execution whose object was not acceptable. */
export function objectRejectedState(scope: Construct): Succeed {
  const rejection = expression<Rejection>('$states.input');
  return Succeed.jsonata(scope, 'Object rejected', {
    comment: 'The object was not acceptable. Its copy in quarantine and its record say why.',
    outputs: renderExpression({
      outcome: outcomes.rejected,
      claim: $.claim,
      reasons: rejection.reasons,
      quarantined: rejection.quarantined,
    }),
  });
}

/** A rule for the executions of a state machine that end in that way. */
export function outcomeRule(
  scope: Construct,
  id: string,
  stateMachine: StateMachine,
  outcome: 'STORED' | 'REJECTED' | 'FAILED',
  options: OnEventOptions = {},
): Rule {
  const { target, eventPattern, ruleName, description, crossStackScope } = options;
  const rule = new Rule(crossStackScope ?? scope, id, {
    ruleName,
    description,
    eventPattern: {
      source: ['aws.states'],
      detailType: ['Step Functions Execution Status Change'],
      detail: { stateMachineArn: [stateMachine.stateMachineArn], ...endsAs(outcome) },
    },
  });
  if (eventPattern) rule.addEventPattern(eventPattern);
  rule.addTarget(target);
  return rule;
}

/** The event carries an execution's output as JSON text. */
function endsAs(outcome: 'STORED' | 'REJECTED' | 'FAILED'): object {
  if (outcome === 'FAILED') return { status: ['FAILED', 'TIMED_OUT', 'ABORTED'] };
  return { status: ['SUCCEEDED'], output: [{ wildcard: `*"outcome":"${outcome}"*` }] };
}
