/** Set up before each test file by `npm run properties`: every property is tried with so many times the values that its test asks for. */
import type * as fastCheck from 'fast-check';

jest.mock('fast-check', () => {
  const actual = jest.requireActual<typeof fastCheck>('fast-check');
  const times = Number(process.env['PROPERTY_TIMES']);
  const assert = <Values>(property: fastCheck.IRawProperty<Values>, parameters: fastCheck.Parameters<Values> = {}) =>
    actual.assert(property, { ...parameters, numRuns: (parameters.numRuns ?? 100) * times });
  return { __esModule: true, default: { ...actual.default, assert } };
});
