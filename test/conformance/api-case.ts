/** Answers a recorded API case as the API would. */
import { ServiceError } from '../../local/services/service';
import { testState, type TestStateRequest } from '../../local/states-language/test-state';
import type { JsonValue } from '../../local/states-language';

/** A case of kind `validation`, `test-state` or `variable-references`. */
export interface ApiCase {
  readonly kind: 'validation' | 'test-state' | 'variable-references';
  readonly definition?: JsonValue;
  /** Instead of `definition` when the text is not JSON. */
  readonly definitionText?: string;
  readonly type?: 'STANDARD' | 'EXPRESS';
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

function answer({ kind, request }: ApiCase): Readonly<Record<string, unknown>> {
  switch (kind) {
    case 'test-state':
      return { ...testState(request!) };
    case 'validation':
    case 'variable-references':
      return {};
  }
}
