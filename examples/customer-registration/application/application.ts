/** The application: what each route does, who may use it, and how what goes wrong is told. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { S3Client } from '@aws-sdk/client-s3';
import { OpenAPIHono } from '@hono/zod-openapi';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import { secureHeaders } from 'hono/secure-headers';
import type { ZodError } from 'zod';
import { demand, readCaller, type Caller, type Right, type VerifyToken } from './access';
import { Attachments, type acceptedTypes } from './attachments';
import { readCpf, readDetails, type CustomerDetails, type FieldProblem, type TypedDetails } from './customer';
import { CustomerTable, type AttachmentRecord, type Customer } from './customer-table';
import { nameOfError, type Log, type LogLine } from './log';
import { describeFields, describeProblem, languageOf } from './messages';
import { Problem } from './problem';
import type { RateLimit } from './rate-limit';
import * as routes from './routes';
import type { Stores } from './settings';

/** What the application stands on. Tests and the demonstration give it the simulated ones. */
export interface Surroundings {
  readonly dynamodb: DynamoDBClient;
  readonly s3: S3Client;
  /** Signs the addresses that browsers send files to.
   * @default s3 */
  readonly formSigner?: S3Client;
  readonly stores: Stores;
  readonly verifyToken: VerifyToken;
  readonly rateLimit: RateLimit;
  readonly log: Log;
  readonly nowMs: () => number;
  /** 32 hexadecimal digits that nobody can guess. */
  readonly newId: () => string;
}

interface Variables {
  caller: Caller;
  /** What the request's line in the log says besides. */
  note: Partial<LogLine>;
}

const maximumRequestBytes = 64 * 1024;
/** What arrives later than this after an erasure would need a form that has ended. */
const lateArrivalMs = 60 * 60 * 1000;

export type Application = OpenAPIHono<{ Variables: Variables }>;

/** Makes the application. `fetch` answers requests; `document` describes it. */
export function createApplication(surroundings: Surroundings): Application {
  const app = createApp(surroundings);
  const registry = new Registry(surroundings);
  app.openapi(routes.readHealth, (c) => c.json({ status: 'ok' as const }, 200));
  addCustomerRoutes(app, registry);
  addAttachmentRoutes(app, registry);
  app.openAPIRegistry.registerComponent('securitySchemes', 'accessToken', { type: 'http', scheme: 'bearer' });
  app.doc31('/openapi.json', { openapi: '3.1.0', info: { title: 'Customer registration', version: '1' } });
  return app;
}

/** Erases what arrived after its customer was erased: files sent by forms that were still good, and what came of them. */
export async function completeErasures(surroundings: Surroundings): Promise<void> {
  await new Registry(surroundings).completeErasures();
}

function addCustomerRoutes(app: Application, registry: Registry): void {
  const may = (c: { get: (name: 'caller') => Caller }, right: Right): void => demand(c.get('caller'), right);
  app.openapi(routes.register, async (c) => {
    may(c, 'write');
    const customer = await registry.register(c.req.valid('json'));
    c.set('note', { event: 'registered', customer: customer.id });
    return c.json(customer, 201, { etag: `"${customer.version}"` });
  });
  app.openapi(routes.findCustomer, async (c) => {
    may(c, 'read');
    return c.json(await registry.find(c.req.valid('json').cpf), 200);
  });
  app.openapi(routes.readCustomer, async (c) => {
    may(c, 'read');
    const customer = await registry.customers.read(c.req.valid('param').id);
    return c.json(customer, 200, { etag: `"${customer.version}"` });
  });
  app.openapi(routes.changeCustomer, async (c) => {
    may(c, 'write');
    const version = Number(c.req.valid('header')['if-match'].slice(1, -1));
    const customer = await registry.change(c.req.valid('param').id, version, c.req.valid('json'));
    c.set('note', { event: 'changed', customer: customer.id });
    return c.json(customer, 200, { etag: `"${customer.version}"` });
  });
  app.openapi(routes.eraseCustomer, async (c) => {
    may(c, 'erase');
    const { id } = c.req.valid('param');
    const files = await registry.erase(id);
    c.set('note', { event: 'erased', customer: id });
    return c.json({ erased: true as const, files }, 200);
  });
  app.openapi(routes.exportCustomer, async (c) => {
    may(c, 'read');
    const { id } = c.req.valid('param');
    c.set('note', { event: 'exported', customer: id });
    return c.json(await registry.export(id), 200);
  });
}

function addAttachmentRoutes(app: Application, registry: Registry): void {
  const may = (c: { get: (name: 'caller') => Caller }, right: Right): void => demand(c.get('caller'), right);
  app.openapi(routes.attach, async (c) => {
    may(c, 'write');
    const { id } = c.req.valid('param');
    const form = await registry.attach(id, c.req.valid('json'));
    c.set('note', { event: 'attached', customer: id, attachment: form.attachment.id });
    return c.json(form, 201);
  });
  app.openapi(routes.readAttachment, async (c) => {
    may(c, 'read');
    const { id, attachmentId } = c.req.valid('param');
    return c.json(await registry.describe(id, await registry.findAttachment(id, attachmentId)), 200);
  });
  app.openapi(routes.readContent, async (c) => {
    may(c, 'read');
    const { id, attachmentId } = c.req.valid('param');
    await registry.findAttachment(id, attachmentId);
    const { body } = await registry.attachments.readContent(id, attachmentId);
    return c.body(body, 200, { 'content-type': 'application/octet-stream', 'content-disposition': 'attachment' });
  });
  app.openapi(routes.readResult, async (c) => {
    may(c, 'read');
    const { id, attachmentId, result } = c.req.valid('param');
    await registry.findAttachment(id, attachmentId);
    const { body } = await registry.attachments.readResult(id, attachmentId, result);
    const type = result === 'preview' ? 'image/svg+xml' : 'text/plain; charset=utf-8';
    return c.body(body, 200, { 'content-type': type, 'content-disposition': 'attachment' });
  });
}

/** What surrounds every route: headers, the log, the caller, limits, and problems in the caller's language. */
function createApp({ log, nowMs, rateLimit, verifyToken }: Surroundings): Application {
  const app: Application = new OpenAPIHono<{ Variables: Variables }>({
    defaultHook: (result) => {
      if (!result.success) throw new Problem('INVALID', fieldProblemsOf(result.error as ZodError));
    },
  });
  app.use(secureHeaders({ contentSecurityPolicy: { defaultSrc: ["'none'"], sandbox: [] } }));
  app.use(async (c, next) => {
    const startedAtMs = nowMs();
    await next();
    c.header('cache-control', 'no-store');
    c.header('content-language', languageOf(c.req.header('accept-language')));
    const { event = 'request', ...note } = c.get('note') ?? {};
    log({
      event,
      method: c.req.method,
      route: routeOf(c.req.routePath),
      status: c.res.status,
      durationMs: Math.round(nowMs() - startedAtMs),
      subject: c.get('caller')?.subject,
      ...note,
    });
  });
  app.use(bodyLimit({ maxSize: maximumRequestBytes, onError: () => Promise.reject(new Problem('TOO_LARGE')) }));
  app.use('/customers/*', async (c, next) => {
    const caller = await readCaller(c.req.header('authorization'), verifyToken);
    c.set('caller', caller);
    rateLimit.take(caller.subject);
    await next();
  });
  const answer = (problem: Problem, header: string | undefined) => {
    const language = languageOf(header);
    const fields = describeFields(problem.fields, language);
    return {
      code: problem.code,
      message: describeProblem(problem.code, language),
      ...(fields.length > 0 && { fields }),
    };
  };
  app.notFound((c) => c.json(answer(new Problem('NOT_FOUND'), c.req.header('accept-language')), 404));
  app.onError((error, c) => {
    const problem = problemOf(error);
    if (problem.status >= 500) c.set('note', { ...c.get('note'), event: 'failed', error: nameOfError(error) });
    if (problem.code === 'TOO_MANY_REQUESTS') c.header('retry-after', '1');
    if (problem.code === 'NOT_SIGNED_IN') c.header('www-authenticate', 'Bearer');
    const status = error instanceof HTTPException && error.status === 400 ? 400 : problem.status;
    return c.json(answer(problem, c.req.header('accept-language')), status);
  });
  return app;
}

function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof HTTPException && error.status === 400) return new Problem('INVALID');
  return new Problem('FAILED', {}, { cause: error });
}

/** A pattern that a route has; the address itself may hold anything. */
function routeOf(path: string): string {
  return /^[/\w{}:*-]*$/.test(path) ? path : '*';
}

function fieldProblemsOf(error: ZodError): Readonly<Record<string, FieldProblem>> {
  return Object.fromEntries(
    error.issues.map(({ path, code, message }): [string, FieldProblem] => {
      const isMissing = code === 'invalid_type' && /received undefined$/.test(message);
      return [path.join('.'), isMissing ? 'missing' : code === 'too_big' ? 'too_long' : 'malformed'];
    }),
  );
}

/** What the routes do, for callers that may. */
class Registry {
  readonly customers: CustomerTable;
  readonly attachments: Attachments;

  constructor(private readonly surroundings: Surroundings) {
    const { dynamodb, s3, stores, formSigner = s3 } = surroundings;
    this.customers = new CustomerTable(dynamodb, stores.customerTable);
    this.attachments = new Attachments({ dynamodb, s3, formSigner }, stores);
  }

  async register({ cpf: typedCpf, ...typed }: TypedDetails & { readonly cpf: string }): Promise<Customer> {
    const cpf = readCpf(typedCpf);
    const read = readDetails(typed);
    if ('problem' in cpf || 'problems' in read) {
      throw new Problem('INVALID', {
        ...('problem' in cpf && { cpf: cpf.problem }),
        ...('problems' in read && read.problems),
      });
    }
    const at = this.now();
    const id = this.surroundings.newId();
    const customer = { id, version: 1, cpf: cpf.value, ...read.details, registeredAt: at, changedAt: at };
    await this.customers.add(customer);
    return customer;
  }

  async find(typedCpf: string): Promise<Customer> {
    const cpf = readCpf(typedCpf);
    if ('problem' in cpf) throw new Problem('INVALID', { cpf: cpf.problem });
    return this.customers.readByCpf(cpf.value);
  }

  async change(id: string, version: number, typed: TypedDetails): Promise<Customer> {
    const details = acceptable(typed);
    const current = await this.customers.read(id);
    if (current.version !== version) throw new Problem('CHANGED_MEANWHILE');
    const changed = { ...current, ...details, version: version + 1, changedAt: this.now() };
    await this.customers.replace(current, changed);
    return changed;
  }

  async attach(customerId: string, announced: Pick<AttachmentRecord, 'fileName' | 'contentType' | 'sizeBytes'>) {
    const record = { ...announced, id: this.surroundings.newId(), announcedAt: this.now() };
    await this.customers.addAttachment(customerId, record);
    const { url, fields } = await this.attachments.signForm(customerId, record);
    const contentType = record.contentType as (typeof acceptedTypes)[number];
    return { attachment: { ...record, contentType, ...notThereYet }, url, fields };
  }

  /** @throws Problem NOT_FOUND for an attachment of somebody else, too */
  async findAttachment(customerId: string, attachmentId: string): Promise<AttachmentRecord> {
    const found = (await this.customers.listAttachments(customerId)).find(({ id }) => id === attachmentId);
    if (found === undefined) throw new Problem('NOT_FOUND');
    return found;
  }

  async describe(customerId: string, record: AttachmentRecord) {
    const { state, reasons } = await this.attachments.progress(customerId, record.id);
    const results: ('preview' | 'text')[] = state === 'STORED' ? ['preview', 'text'] : [];
    const contentType = record.contentType as (typeof acceptedTypes)[number];
    return { ...record, contentType, state, reasons: [...reasons], results };
  }

  async export(id: string) {
    const customer = await this.customers.read(id);
    const records = await this.customers.listAttachments(id);
    const attachments = await Promise.all(records.map((record) => this.describe(id, record)));
    return { exportedAt: this.now(), customer, attachments };
  }

  /** Files go first: as long as one is left, the customer is still there to be erased again.
   * @returns how many versions of files were deleted */
  async erase(id: string): Promise<number> {
    const customer = await this.customers.read(id);
    const attachmentIds = (await this.customers.listAttachments(id)).map((attachment) => attachment.id);
    const count = await this.attachments.erase(id, attachmentIds);
    await this.customers.erase(customer, attachmentIds, this.now());
    return count;
  }

  async completeErasures(): Promise<void> {
    for (const erasure of await this.customers.listErasures()) {
      if (erasure.attachmentIds.length === 0) continue;
      await this.attachments.erase(erasure.customerId, erasure.attachmentIds);
      const isOver = this.surroundings.nowMs() - Date.parse(erasure.erasedAt) > lateArrivalMs;
      if (isOver) await this.customers.settleErasure(erasure);
    }
  }

  private now(): string {
    return new Date(this.surroundings.nowMs()).toISOString();
  }
}

/** What an attachment is whose file nobody has sent yet. */
const notThereYet = { state: 'AWAITING' as const, reasons: [], results: [] };

function acceptable(typed: TypedDetails): CustomerDetails {
  const read = readDetails(typed);
  if ('problems' in read) throw new Problem('INVALID', read.problems);
  return read.details;
}
