/** The API as OpenAPI describes it: every route with everything that it may answer. */
import { createRoute, z } from '@hono/zod-openapi';
import { acceptedTypes, maximumBytes, resultFiles } from './attachments';
import { problemCodes } from './messages';

const typed = (maximum: number, example: string) => z.string().max(maximum).openapi({ example });

const address = z.object({
  postalCode: typed(20, '01310-100'),
  street: typed(400, 'Avenida Paulista'),
  number: typed(40, '1578'),
  complement: typed(400, '4º andar').optional(),
  district: typed(400, 'Bela Vista'),
  city: typed(400, 'São Paulo'),
  state: typed(20, 'SP'),
});

const details = z.object({
  name: typed(400, 'Ana Souza'),
  email: typed(400, 'ana@example.com'),
  telephone: typed(60, '(11) 98765-4321'),
  address,
});

const registration = details.extend({ cpf: typed(40, '529.982.247-25') }).openapi('Registration');
const change = details.openapi('Change');

const id = z.string().regex(/^[0-9a-f]{32}$/);

const customer = z
  .object({
    id,
    version: z.int().min(1),
    name: z.string(),
    cpf: z.string().regex(/^\d{11}$/),
    email: z.string(),
    telephone: z.string(),
    address: z.object({ ...address.shape, complement: z.string().optional() }),
    registeredAt: z.string(),
    changedAt: z.string(),
  })
  .openapi('Customer');

const newAttachment = z
  .object({
    fileName: z.string().min(1).max(255).openapi({ example: 'contrato.pdf' }),
    contentType: z.enum(acceptedTypes),
    sizeBytes: z.int().min(1).max(maximumBytes),
  })
  .openapi('NewAttachment');

const attachment = z
  .object({
    id,
    fileName: z.string(),
    contentType: z.enum(acceptedTypes),
    sizeBytes: z.int(),
    announcedAt: z.string(),
    state: z.enum(['AWAITING', 'PROCESSING', 'STORED', 'REJECTED', 'FAILED']),
    /** Why the workflow rejected it. */
    reasons: z.array(z.string()),
    results: z.array(z.enum(['preview', 'text'])),
  })
  .openapi('Attachment');

const form = z
  .object({
    attachment,
    /** Where the form is sent to, its fields before the file, which comes last as `file`. */
    url: z.string(),
    fields: z.record(z.string(), z.string()),
  })
  .openapi('Form');

const problem = z
  .object({
    code: z.enum(problemCodes),
    message: z.string(),
    fields: z.array(z.object({ field: z.string(), code: z.string(), message: z.string() })).optional(),
  })
  .openapi('Problem');

const exported = z.object({ exportedAt: z.string(), customer, attachments: z.array(attachment) }).openapi('Export');

const json = <Schema extends z.ZodType>(schema: Schema, description: string) => ({
  description,
  content: { 'application/json': { schema } },
});
const refusal = (description: string) => json(problem, description);
const body = <Schema extends z.ZodType>(schema: Schema) => ({
  required: true,
  content: { 'application/json': { schema } },
});
const file = (mediaType: string, description: string) => ({
  description,
  content: { [mediaType]: { schema: z.string().openapi({ format: 'binary' }) } },
});

/** What any route may answer. */
const always = {
  400: refusal('The request is no JSON, or not what it says'),
  401: refusal('No valid access token'),
  403: refusal('The token does not allow this'),
  413: refusal('The request is too large'),
  422: refusal('Values that need correction, each with what to do'),
  429: refusal('Too many requests; Retry-After says when to come back'),
  503: refusal('Busy: the same request may succeed now'),
};
const notFound = { 404: refusal('There is no such customer, or no such attachment of theirs') };
const ofCustomer = z.object({ id: id.openapi({ param: { name: 'id', in: 'path' } }) });
const ofAttachment = ofCustomer.extend({ attachmentId: id.openapi({ param: { name: 'attachmentId', in: 'path' } }) });
const security = [{ accessToken: [] }];

export const readHealth = createRoute({
  method: 'get',
  path: '/health',
  summary: 'Says that the application runs: for the load balancer',
  responses: { 200: json(z.object({ status: z.literal('ok') }), 'It does') },
});

export const register = createRoute({
  method: 'post',
  path: '/customers',
  summary: 'Registers a customer',
  security,
  request: { body: body(registration) },
  responses: { 201: json(customer, 'The customer'), 409: refusal('The CPF or the e-mail is taken'), ...always },
});

/** The CPF travels in the body: addresses end up in logs. */
export const findCustomer = createRoute({
  method: 'post',
  path: '/customers/search',
  summary: 'Finds a customer by CPF',
  security,
  request: { body: body(z.object({ cpf: typed(40, '529.982.247-25') })) },
  responses: { 200: json(customer, 'The customer'), ...notFound, ...always },
});

export const readCustomer = createRoute({
  method: 'get',
  path: '/customers/{id}',
  summary: 'Reads a customer',
  security,
  request: { params: ofCustomer },
  responses: { 200: json(customer, 'The customer, with its version as ETag'), ...notFound, ...always },
});

export const changeCustomer = createRoute({
  method: 'put',
  path: '/customers/{id}',
  summary: 'Replaces what is known of a customer, except the CPF, if nobody else has changed it since',
  security,
  request: {
    params: ofCustomer,
    headers: z.object({
      'if-match': z
        .string()
        .regex(/^"\d{1,9}"$/)
        .openapi({ example: '"1"' }),
    }),
    body: body(change),
  },
  responses: {
    200: json(customer, 'The customer as it is now'),
    409: refusal('The e-mail is taken'),
    412: refusal('Somebody else has changed the customer'),
    ...notFound,
    ...always,
  },
});

export const eraseCustomer = createRoute({
  method: 'delete',
  path: '/customers/{id}',
  summary: 'Erases a customer with all attachments, their versions and results (LGPD, art. 18, VI)',
  security,
  request: { params: ofCustomer },
  responses: {
    200: json(z.object({ erased: z.literal(true), files: z.int() }), 'It is done'),
    412: refusal('Somebody changes the customer at this moment'),
    ...notFound,
    ...always,
  },
});

export const exportCustomer = createRoute({
  method: 'get',
  path: '/customers/{id}/export',
  summary: 'Everything that is known of a customer (LGPD, art. 18, II and V)',
  security,
  request: { params: ofCustomer },
  responses: { 200: json(exported, 'All of it'), ...notFound, ...always },
});

export const attach = createRoute({
  method: 'post',
  path: '/customers/{id}/attachments',
  summary: 'Announces a file and says how to send it',
  security,
  request: { params: ofCustomer, body: body(newAttachment) },
  responses: {
    201: json(form, 'A form that stores exactly this file, for ten minutes'),
    409: refusal('There are as many attachments as there may be'),
    ...notFound,
    ...always,
  },
});

export const readAttachment = createRoute({
  method: 'get',
  path: '/customers/{id}/attachments/{attachmentId}',
  summary: 'Says where an attachment is on its way',
  security,
  request: { params: ofAttachment },
  responses: { 200: json(attachment, 'The attachment'), ...notFound, ...always },
});

export const readContent = createRoute({
  method: 'get',
  path: '/customers/{id}/attachments/{attachmentId}/content',
  summary: 'The file itself',
  security,
  request: { params: ofAttachment },
  responses: {
    200: file('application/octet-stream', 'The file'),
    409: refusal('It was not sent yet, or is archived'),
    ...notFound,
    ...always,
  },
});

export const readResult = createRoute({
  method: 'get',
  path: '/customers/{id}/attachments/{attachmentId}/{result}',
  summary: 'The preview of an attachment, or its text',
  security,
  request: {
    params: ofAttachment.extend({
      result: z
        .enum(Object.keys(resultFiles) as [keyof typeof resultFiles])
        .openapi({ param: { name: 'result', in: 'path' } }),
    }),
  },
  responses: {
    200: {
      description: 'The preview, or the text',
      content: {
        'image/svg+xml': { schema: z.string() },
        'text/plain': { schema: z.string() },
      },
    },
    409: refusal('It is not processed yet'),
    ...notFound,
    ...always,
  },
});
