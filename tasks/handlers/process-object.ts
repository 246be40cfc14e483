import { processObject } from '../process-object';

export const handler = processObject.handler;
