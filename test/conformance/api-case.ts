/** Answers a recorded API case as the API would. */
import { ServiceError } from '../../local/services/service';
import {
  requireValidDefinition,
  testState,
  validateStateMachineDefinition,
  variableReferences,
  type JsonValue,
  type TestStateRequest,
} from '../../local/states-language';

/** A case of kind `validation`, `test-state` or `variable-references`. */
export interface ApiCase {
  readonly kind: 'validation' | 'test-state' | 'variable-references';
  readonly definition?: JsonValue;
  /** Instead of `definition` when the text is not JSON. */
  readonly definitionText?: string;
  readonly type?: 'STANDARD' | 'EXPRESS';
  /** Validation: which API was called. */
  readonly operation?: 'CreateStateMachine' | 'UpdateStateMachine' | 'ValidateStateMachineDefinition';
  readonly request?: TestStateRequest;
}

/** @returns the API's response; its error as `{ error: { code, message } }` */
export function runApiCase(testCase: ApiCase): Readonly<Record<string, unknown>> {
  try {
    return answer(testCase);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return { error: { code: error.code, message: error.message } };
  }
}

function answer(testCase: ApiCase): Readonly<Record<string, unknown>> {
  switch (testCase.kind) {
    case 'test-state':
      return { ...testState(testCase.request!) };
    case 'validation':
      return validate(testCase);
    case 'variable-references':
      return { variableReferences: variableReferences(testCase.definition ?? null) };
  }
}

/** A definition that is refused when a machine is created or updated, or reported on when it is only validated. */
function validate({
  operation,
  definition,
  definitionText,
  type = 'STANDARD',
}: ApiCase): Readonly<Record<string, unknown>> {
  const text = definitionText ?? JSON.stringify(definition);
  if (operation === 'ValidateStateMachineDefinition') {
    return { ...validateStateMachineDefinition({ definition: text, type }) };
  }
  requireValidDefinition(text, type);
  return {};
}
