/** The variables of the workflow's state machine: what each step leaves for the steps after it. */
import type {
  BackupOutcome,
  Claim,
  CommandOutcome,
  ImageOutcome,
  ObjectReference,
  StoredResults,
} from '../tasks/object-reference';
import { stateVariables } from './state-variables';

/** Each is set by one step and can be read by every step after it. */
export interface WorkflowVariables {
  /** Set by "Claim object". */
  readonly claim: Claim;
  /** Set by "Validate object". */
  readonly object: ObjectReference;
  /** Set by "Process on EC2". */
  readonly outcome: CommandOutcome;
  /** Set by "Store results". */
  readonly results: StoredResults;
  /** Set by "Protect", where instances are imaged. */
  readonly image: ImageOutcome;
  /** Set by "Protect", where results are backed up. */
  readonly recoveryPoint: BackupOutcome;
  /** Set by the state that rejected the object. */
  readonly rejectedBy: { readonly error: string; readonly cause: string };
}

/** The variables as typed expressions, for the states of this workflow. */
export const $ = stateVariables<WorkflowVariables>();
