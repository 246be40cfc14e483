import { relayEvent } from '../relay-event';

export const handler = relayEvent.handler;
