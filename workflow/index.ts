/** Public entry `cdk-object-workflow`: the workflow, its parts, and typed wiring for your own states. */
export * from '../constructs';
export { ObjectWorkflow, type ObjectWorkflowProps } from './object-workflow';
export { outcomes } from './outcome';
export {
  assignment,
  expression,
  renderExpression,
  stateVariables,
  type Assignment,
  type Expression,
  type StateVariables,
  type Variable,
  type Wired,
} from './state-variables';
export { IntegrationState, type IntegrationStateProps } from './integration-state';
export { TaskState, type TaskStateProps } from './task-state';
export type { ObjectValidator } from './validate';
export type { WorkflowVariables } from './workflow-variables';
