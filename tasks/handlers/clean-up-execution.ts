import { cleanUpExecution } from '../clean-up-execution';

export const handler = cleanUpExecution.handler;
