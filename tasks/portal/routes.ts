/** The portal's routes as OpenAPI describes them: the function, the API's template and the document all come from here. */
import { createRoute, z } from '@hono/zod-openapi';
import {
  createdUpload,
  newUpload,
  partAddress,
  partRequest,
  problem,
  resultAddress,
  resultPage,
  storedParts,
  upload,
  uploadId,
  uploadPage,
} from './messages';

const json = <Schema extends z.ZodType>(schema: Schema, description: string) => ({
  description,
  content: { 'application/json': { schema } },
});
const body = <Schema extends z.ZodType>(schema: Schema) => ({
  required: true,
  content: { 'application/json': { schema } },
});
const refusals = {
  400: json(problem, 'The request is not understood'),
  403: json(problem, 'The caller may not use the portal'),
  404: json(problem, 'The caller has no such upload'),
  409: json(problem, 'The upload is in another state'),
  422: json(problem, 'The file would be rejected'),
};
const id = z.object({ id: uploadId });

export const createUpload = createRoute({
  method: 'post',
  path: '/uploads',
  summary: 'Announces a file and says how to send it',
  request: { body: body(newUpload) },
  responses: { 201: json(createdUpload, 'The upload, and how to send the file'), ...refusals },
});

export const listUploads = createRoute({
  method: 'get',
  path: '/uploads',
  summary: 'Lists the caller’s uploads, newest first',
  request: {
    query: z.object({ before: uploadId.optional(), limit: z.coerce.number().int().min(1).max(50).default(20) }),
  },
  responses: { 200: json(uploadPage, 'A page of uploads'), ...refusals },
});

export const readUpload = createRoute({
  method: 'get',
  path: '/uploads/{id}',
  summary: 'Says where an upload is',
  request: { params: id },
  responses: { 200: json(upload, 'The upload'), ...refusals },
});

export const listStoredParts = createRoute({
  method: 'get',
  path: '/uploads/{id}/parts',
  summary: 'Lists the parts that have arrived',
  request: { params: id },
  responses: { 200: json(storedParts, 'The parts'), ...refusals },
});

export const signPartAddress = createRoute({
  method: 'post',
  path: '/uploads/{id}/parts',
  summary: 'Signs the address of one part',
  request: { params: id, body: body(partRequest) },
  responses: { 200: json(partAddress, 'Where to put the part'), ...refusals },
});

export const completeUpload = createRoute({
  method: 'post',
  path: '/uploads/{id}/complete',
  summary: 'Says that all of the file has been sent',
  request: { params: id },
  responses: { 200: json(upload, 'The upload'), ...refusals },
});

export const removeUpload = createRoute({
  method: 'delete',
  path: '/uploads/{id}',
  summary: 'Gives up an upload that has not arrived',
  request: { params: id },
  responses: { 200: json(z.object({ removed: z.literal(true) }), 'It is gone'), ...refusals },
});

export const listResults = createRoute({
  method: 'get',
  path: '/uploads/{id}/results',
  summary: 'Lists the result files',
  request: { params: id, query: z.object({ from: z.coerce.number().int().min(0).default(0) }) },
  responses: { 200: json(resultPage, 'A page of files'), ...refusals },
});

export const signResultAddress = createRoute({
  method: 'get',
  path: '/uploads/{id}/results/{index}',
  summary: 'Signs the address of one result file',
  request: { params: id.extend({ index: z.coerce.number().int().min(0).max(9_999) }) },
  responses: { 200: json(resultAddress, 'Where to download it'), ...refusals },
});
