/** Decodes a service's requests and encodes its answers, whatever protocol it speaks. */
import type { ServiceError } from '../services/service';
import { UnsupportedError } from '../services/service';
import { decodeAwsChunked } from './aws-chunked';
import { toBytes, toText, type WireRequest, type WireResponse } from './message';
import { decodeJsonBody, encodeJson } from './protocols/json';
import { decodeForm } from './protocols/query';
import { decodeRest, encodeRest, Routes, type RestBody } from './protocols/rest';
import { decodeXmlBody, encodeMembers, encodeXml, escapeXml } from './protocols/xml';
import { operationOf, type ServiceModel } from './service-model';
import type { Operation } from './shape';
import { s3Location } from './s3-location';

/** One call read from the wire. */
export interface DecodedCall {
  readonly operation: Operation;
  readonly input: Readonly<Record<string, unknown>>;
}

/** Turns requests into calls and results into responses. */
export interface Codec {
  readonly decode: (request: WireRequest) => DecodedCall;
  readonly encode: (operation: Operation, output: Readonly<Record<string, unknown>>, requestId: string) => WireResponse;
  readonly encodeError: (error: ServiceError, requestId: string) => WireResponse;
}

/** Makes the codec of a service. */
export function createCodec(model: ServiceModel): Codec {
  switch (model.protocol) {
    case 'json':
      return jsonCodec(model);
    case 'rest-json':
      return restJsonCodec(model);
    case 'rest-xml':
      return s3Codec(model);
    case 'query':
    case 'ec2':
      return queryCodec(model, model.protocol);
  }
}

function jsonCodec(model: ServiceModel): Codec {
  return {
    decode: (request) => {
      const target = request.headers['x-amz-target'];
      if (target === undefined) {
        throw new UnsupportedError(
          `the protocol of a ${model.service} request (content type ${request.headers['content-type'] ?? 'none'})`,
          `${request.method} ${request.path}`,
          'call the service with a client that speaks AWS JSON',
        );
      }
      const operation = operationOf(model, target.slice(target.lastIndexOf('.') + 1));
      return { operation, input: decodeJsonBody(operation.input, request.body) };
    },
    encode: (operation, output, requestId) =>
      jsonResponse(200, model.contentType, encodeJson(operation.output, output), { 'x-amzn-requestid': requestId }),
    encodeError: (error, requestId) =>
      jsonResponse(
        error.statusCode,
        model.contentType,
        { __type: error.code, ...encodeErrorMembers(model, error) },
        { 'x-amzn-requestid': requestId },
      ),
  };
}

function restJsonCodec(model: ServiceModel): Codec {
  const routes = new Routes(model.operations.values());
  const body: RestBody = {
    contentType: 'application/json',
    decode: (shape, bytes) => decodeJsonBody(shape, bytes),
    encode: (operation, _members, value) => JSON.stringify(encodeJson(operation.output, value) ?? {}),
    encodePayload: (member, value) => JSON.stringify(encodeJson(member.shape, value)),
  };
  return {
    decode: (request) => {
      const found = routes.find(request);
      if (found === undefined) throw unknownRoute(model, request);
      return { operation: found.operation, input: decodeRest(found.operation, found.labels, request, body) };
    },
    encode: (operation, output, requestId) => {
      const response = encodeRest(operation, output, body);
      return { ...response, headers: { ...response.headers, 'x-amzn-requestid': requestId } };
    },
    encodeError: (error, requestId) =>
      jsonResponse(error.statusCode, 'application/json', encodeErrorMembers(model, error), {
        'x-amzn-requestid': requestId,
        'x-amzn-errortype': error.code,
      }),
  };
}

function s3Codec(model: ServiceModel): Codec {
  const routes = new Routes(model.operations.values());
  const namespace = ` xmlns="${model.xmlNamespace}"`;
  const document = (name: string, content: string): string =>
    `<?xml version="1.0" encoding="UTF-8"?>\n<${name}${namespace}>${content}</${name}>`;
  const body: RestBody = {
    contentType: 'application/xml',
    decode: (shape, bytes) => decodeXmlBody(shape, bytes),
    encode: (operation, members, value) =>
      document(operation.output.traits.xmlName ?? operation.output.name, encodeMembers(members, value)),
    encodePayload: (member, value) => document(member.traits.xmlName ?? member.name, encodeXml(member.shape, value)),
  };
  return {
    decode: (request) => {
      const { bucket, path } = s3Location(request.hostname, request.path);
      const found = routes.find(
        { ...request, path },
        ({ input }) => (input.membersByName.get('Bucket')?.traits.httpLabel === 1) === (bucket !== undefined),
      );
      if (found === undefined) throw unknownRoute(model, request);
      const labels = bucket === undefined ? found.labels : { ...found.labels, Bucket: bucket };
      return { operation: found.operation, input: decodeRest(found.operation, labels, unchunk(request), body) };
    },
    encode: (operation, output, requestId) => {
      const response = encodeRest(operation, output, body);
      const statusCode = output['ContentRange'] === undefined ? response.statusCode : 206;
      return { ...response, statusCode, headers: { ...response.headers, 'x-amz-request-id': requestId } };
    },
    encodeError: (error, requestId) => {
      const details = Object.entries(error.details)
        .filter(([, value]) => typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
        .map(([name, value]) => `<${name}>${escapeXml(String(value))}</${name}>`)
        .join('');
      const content = `<Code>${escapeXml(error.code)}</Code><Message>${escapeXml(error.message)}</Message>${details}`;
      return {
        statusCode: error.statusCode,
        headers: { 'content-type': 'application/xml', 'x-amz-request-id': requestId },
        // A 304 has no body on any server.
        body:
          error.statusCode === 304
            ? new Uint8Array()
            : toBytes(
                `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${content}<RequestId>${requestId}</RequestId></Error>`,
              ),
        isStream: false,
      };
    },
  };
}

function queryCodec(model: ServiceModel, dialect: 'ec2' | 'query'): Codec {
  const xmlResponse = (statusCode: number, text: string, requestId: string): WireResponse => ({
    statusCode,
    headers: { 'content-type': 'text/xml;charset=UTF-8', 'x-amzn-requestid': requestId },
    body: toBytes(`<?xml version="1.0" encoding="UTF-8"?>\n${text}`),
    isStream: false,
  });
  return {
    decode: (request) => {
      const form = new URLSearchParams(toText(request.body));
      for (const [name, values] of Object.entries(request.query)) for (const value of values) form.append(name, value);
      const operation = operationOf(model, form.get('Action') ?? 'a request without an action');
      return { operation, input: decodeForm(operation.input, form, dialect) };
    },
    encode: (operation, output, requestId) => {
      const { name } = operation;
      const content = encodeMembers(operation.output.members, output);
      const inner =
        dialect === 'ec2'
          ? `<requestId>${requestId}</requestId>${content}`
          : `<${name}Result>${content}</${name}Result><ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata>`;
      return xmlResponse(200, `<${name}Response xmlns="${model.xmlNamespace}">${inner}</${name}Response>`, requestId);
    },
    encodeError: (error, requestId) => {
      const content = `<Code>${escapeXml(error.code)}</Code><Message>${escapeXml(error.message)}</Message>`;
      return xmlResponse(
        error.statusCode,
        dialect === 'ec2'
          ? `<Response><Errors><Error>${content}</Error></Errors><RequestID>${requestId}</RequestID></Response>`
          : `<ErrorResponse xmlns="${model.xmlNamespace}"><Error><Type>${error.statusCode < 500 ? 'Sender' : 'Receiver'}</Type>${content}</Error><RequestId>${requestId}</RequestId></ErrorResponse>`,
        requestId,
      );
    },
  };
}

function unknownRoute(model: ServiceModel, request: WireRequest): UnsupportedError {
  const query = Object.keys(request.query).join('&');
  return new UnsupportedError(
    `a request to ${model.service}`,
    `${request.method} ${request.path}${query && `?${query}`}`,
    'leave the call out of what runs locally',
  );
}

/** Uploads in chunks carry the length and encoding of their content in headers of their own, and their checksum at the end. */
function unchunk(request: WireRequest): WireRequest {
  const { 'content-encoding': encoding = '', ...headers } = request.headers;
  const encodings = encoding.split(',').map((name) => name.trim());
  const isChunked =
    encodings.includes('aws-chunked') || (headers['x-amz-content-sha256'] ?? '').startsWith('STREAMING-');
  if (!isChunked) return request;
  const { content, trailers } = decodeAwsChunked(request.body);
  const others = encodings.filter((name) => name !== 'aws-chunked' && name !== '');
  return {
    ...request,
    body: content,
    headers: {
      ...headers,
      ...trailers,
      'content-length': String(content.length),
      ...(others.length > 0 && { 'content-encoding': others.join(',') }),
    },
  };
}

/** The members of an error's body: the message under the name that the model gives it, and what else it carries. */
function encodeErrorMembers(model: ServiceModel, error: ServiceError): Record<string, unknown> {
  const shape = model.error(error.code);
  const members = { ...error.details, message: error.message };
  if (shape === undefined) return members;
  const messageName = ['message', 'Message'].find((name) => shape.membersByName.has(name)) ?? 'message';
  return { [messageName]: error.message, ...(encodeJson(shape, error.details) as Record<string, unknown>) };
}

function jsonResponse(
  statusCode: number,
  contentType: string,
  document: unknown,
  headers: Record<string, string>,
): WireResponse {
  return {
    statusCode,
    headers: { 'content-type': contentType, ...headers },
    body: toBytes(JSON.stringify(document ?? {})),
    isStream: false,
  };
}
