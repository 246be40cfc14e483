import { storeResults } from '../store-results';

export const handler = storeResults.handler;
