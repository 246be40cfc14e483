/** Task: answers the upload portal's HTTP API. */
import { defineTask } from '../define-task';
import type * as App from './app';
import { fromResponse, httpEvent, httpResult, toRequest } from './http-event';
import { portalSettings } from './settings';

/** Behind API Gateway: a request comes as an event, and the answer goes back as the result. A failure of ours fails the
 * invocation, so that it counts as an error; API Gateway tells the page "Internal Server Error" and no more. */
export const uploadPortal = defineTask({
  name: 'upload-portal',
  description:
    'Announces uploads, signs their transfers, follows them through the workflow and hands out their results.',
  input: httpEvent,
  output: httpResult,
  settings: portalSettings,
  run: async (event, context) => {
    // The framework is in the function's bundle only: who synthesizes the construct does not have it.
    const { createApp } = require('./app') as typeof App;
    return fromResponse(await createApp(event, context).fetch(toRequest(event)));
  },
});
