import { validateObject } from '../validate-object';

export const handler = validateObject.handler;
