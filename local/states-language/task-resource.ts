/** Takes a Task's `Resource` apart. */
import type { TaskResource } from './definition';
import type { IntegrationPattern } from './engine';

/** Parses `arn:aws:states:::lambda:invoke.waitForTaskToken`, a function ARN or an activity ARN. */
export function parseResource(text: string): TaskResource {
  const parts = text.split(':');
  const service = parts[2];
  if (service === 'states' && parts[5] === 'activity') {
    return { text, kind: 'activity', type: 'activity', action: text, pattern: 'WAIT_FOR_TASK_TOKEN' };
  }
  if (service !== 'states')
    return { text, kind: 'function', type: 'function', action: text, pattern: 'REQUEST_RESPONSE' };
  const sdk = parts[5] === 'aws-sdk';
  const action = parts.slice(sdk ? 7 : 6).join(':');
  return {
    text,
    kind: 'service',
    type: sdk ? `aws-sdk:${parts[6]}` : (parts[5] ?? ''),
    action,
    pattern: patternOf(action),
  };
}

/** `.sync:2` is a second version of `.sync` that gives the child's output parsed. */
function patternOf(action: string): IntegrationPattern {
  if (action.endsWith('.waitForTaskToken')) return 'WAIT_FOR_TASK_TOKEN';
  if (action.endsWith('.sync') || action.endsWith('.sync:2')) return 'SYNC';
  return 'REQUEST_RESPONSE';
}
