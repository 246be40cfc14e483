import { quarantineObject } from '../quarantine-object';

export const handler = quarantineObject.handler;
