// The engine as a module for check.mjs of the recorded set: node check.mjs test/conformance/engine.mjs
import { createRequire } from 'node:module';
import { register } from 'tsx/cjs/api';

register();
const require = createRequire(import.meta.url);
const { runExecutionCase } = require('./recorded-case.ts');
const { runApiCase } = require('./api-case.ts');

export const run = (testCase) => runExecutionCase(testCase);
export const validate = async (testCase) => runApiCase(testCase);
export const testState = async (testCase) => runApiCase(testCase);
export const variableReferences = async (testCase) => runApiCase(testCase);
