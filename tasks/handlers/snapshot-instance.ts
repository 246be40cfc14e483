import { snapshotInstance } from '../snapshot-instance';

export const handler = snapshotInstance.handler;
