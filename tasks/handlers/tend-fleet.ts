import { tendFleet } from '../tend-fleet';

export const handler = tendFleet.handler;
