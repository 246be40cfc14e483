/** Which protocol each simulated service speaks, and where the model of its operations comes from. */
import type { ServiceName } from '../services/service';
import { UnsupportedError } from '../services/service';
import { handWrittenModels } from './hand-written-models';
import { readError, readOperation, type Operation, type StructureShape } from './shape';

export type ProtocolName = 'json' | 'rest-json' | 'rest-xml' | 'query' | 'ec2';

/** What the wire layer knows of one service. */
export interface ServiceModel {
  readonly service: ServiceName;
  readonly protocol: ProtocolName;
  /** Content type of AWS JSON: its version is part of it. */
  readonly contentType: string;
  /** Namespace of the answers in XML. */
  readonly xmlNamespace: string;
  readonly operations: ReadonlyMap<string, Operation>;
  /** The modelled error of that code; undefined for the many that are only a code and a message. */
  readonly error: (code: string) => StructureShape | undefined;
}

interface ModelSource {
  readonly protocol: ProtocolName;
  readonly contentType?: string;
  readonly xmlNamespace?: string;
  /** Exports of an SDK client, schemas among them; absent for services whose few operations are written down by hand. */
  readonly load?: () => Promise<object>;
}

const json10 = 'application/x-amz-json-1.0';
const json11 = 'application/x-amz-json-1.1';

const sources: Readonly<Record<ServiceName, ModelSource>> = {
  autoscaling: {
    protocol: 'query',
    xmlNamespace: 'http://autoscaling.amazonaws.com/doc/2011-01-01/',
    load: () => import('@aws-sdk/client-auto-scaling'),
  },
  backup: { protocol: 'rest-json', load: () => import('@aws-sdk/client-backup') },
  dynamodb: { protocol: 'json', contentType: json10, load: () => import('@aws-sdk/client-dynamodb') },
  ec2: {
    protocol: 'ec2',
    xmlNamespace: 'http://ec2.amazonaws.com/doc/2016-11-15/',
    load: () => import('@aws-sdk/client-ec2'),
  },
  events: { protocol: 'json', contentType: json11 },
  lambda: { protocol: 'rest-json' },
  logs: { protocol: 'json', contentType: json11 },
  monitoring: { protocol: 'json', contentType: json10 },
  s3: {
    protocol: 'rest-xml',
    xmlNamespace: 'http://s3.amazonaws.com/doc/2006-03-01/',
    load: () => import('@aws-sdk/client-s3'),
  },
  sns: { protocol: 'query', xmlNamespace: 'http://sns.amazonaws.com/doc/2010-03-31/' },
  sqs: { protocol: 'json', contentType: json10 },
  ssm: { protocol: 'json', contentType: json11, load: () => import('@aws-sdk/client-ssm') },
  states: { protocol: 'json', contentType: json10, load: () => import('@aws-sdk/client-sfn') },
  sts: { protocol: 'query', xmlNamespace: 'https://sts.amazonaws.com/doc/2011-06-15/' },
};

const models = new Map<ServiceName, Promise<ServiceModel>>();

/** Whether a name is that of a simulated service. */
export function isServiceName(name: string): name is ServiceName {
  return Object.hasOwn(sources, name);
}

/** Loads the model of a service, once: the SDK clients are large, so only those that are called are loaded. */
export function loadServiceModel(service: ServiceName): Promise<ServiceModel> {
  let model = models.get(service);
  if (model === undefined) {
    model = readModel(service, sources[service]);
    models.set(service, model);
  }
  return model;
}

/** The operation of that name.
 * @throws UnsupportedError when the model has none */
export function operationOf(model: ServiceModel, name: string): Operation {
  const operation = model.operations.get(name);
  if (operation !== undefined) return operation;
  throw new UnsupportedError(
    `${model.service}:${name}`,
    'a request over the wire',
    'leave the call out of what runs locally',
  );
}

async function readModel(service: ServiceName, source: ModelSource): Promise<ServiceModel> {
  const schemas = source.load === undefined ? (handWrittenModels[service] ?? []) : Object.values(await source.load());
  const operations = new Map<string, Operation>();
  const errors = new Map<string, StructureShape>();
  for (const schema of schemas) {
    const operation = readOperation(schema);
    if (operation !== undefined) operations.set(operation.name, operation);
    const error = readError(schema);
    if (error !== undefined) errors.set(error.name, error);
  }
  return {
    service,
    protocol: source.protocol,
    contentType: source.contentType ?? 'application/json',
    xmlNamespace: source.xmlNamespace ?? '',
    operations,
    error: (code) => errors.get(code),
  };
}
