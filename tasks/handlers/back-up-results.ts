import { backUpResults } from '../back-up-results';

export const handler = backUpResults.handler;
