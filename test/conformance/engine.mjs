// The engine as a module for check.mjs of the recorded set: node check.mjs test/conformance/engine.mjs
import { tsImport } from 'tsx/esm/api';

const { runExecutionCase } = await tsImport('./recorded-case.ts', import.meta.url);
const { runApiCase } = await tsImport('./api-case.ts', import.meta.url);

export const run = (testCase) => runExecutionCase(testCase);
export const validate = async (testCase) => runApiCase(testCase);
export const testState = async (testCase) => runApiCase(testCase);
export const variableReferences = async (testCase) => runApiCase(testCase);
