/** Lambda's resources: functions, and what belongs to them. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LambdaService } from '../../services/lambda';
import type { Assets } from '../assembly';
import type { CreatedResource, ResourceHandlers, ResourceRequest } from '../resource';

interface FunctionProperties {
  readonly FunctionName?: string;
  readonly Code?: { readonly S3Key?: string; readonly ZipFile?: string; readonly ImageUri?: string };
  readonly Handler?: string;
  readonly Runtime?: string;
  readonly Role?: string;
  readonly Timeout?: number;
  readonly MemorySize?: number;
  readonly Environment?: { readonly Variables?: Readonly<Record<string, string>> };
  readonly LoggingConfig?: { readonly LogGroup?: string };
  readonly DeadLetterConfig?: { readonly TargetArn?: string };
}

interface InvokeConfigProperties {
  readonly FunctionName: string;
  readonly MaximumRetryAttempts?: number;
  readonly DestinationConfig?: {
    readonly OnSuccess?: { readonly Destination: string };
    readonly OnFailure?: { readonly Destination: string };
  };
}

/** What the handlers need besides the service. */
export interface FunctionSources {
  readonly assets: Assets;
  /** Told about each directory that was made for code written in the template. */
  readonly onTemporaryDirectory: (path: string) => void;
}

/** Handlers for the types of Lambda. */
export function lambdaResources(lambda: LambdaService, sources: FunctionSources): ResourceHandlers {
  return {
    'AWS::Lambda::Function': (request) => createFunction(request, lambda, sources),
    'AWS::Lambda::EventInvokeConfig': (request) => configureAsynchronous(request, lambda),
    'AWS::Lambda::Version': (request) => {
      const arn = `${functionArn(request, request.properties['FunctionName'])}:1`;
      return { ref: arn, attributes: { FunctionArn: arn, Version: '1' } };
    },
    'AWS::Lambda::Alias': (request) => {
      const arn = `${functionArn(request, request.properties['FunctionName'])}:${String(request.properties['Name'])}`;
      return { ref: arn, attributes: { AliasArn: arn } };
    },
    'AWS::Lambda::LayerVersion': (request) => {
      const name = String(request.properties['LayerName'] ?? request.generateName(64));
      const arn = `arn:aws:lambda:${request.region}:${request.accountId}:layer:${name}:1`;
      return { ref: arn, attributes: { LayerVersionArn: arn } };
    },
  };
}

function createFunction(request: ResourceRequest, lambda: LambdaService, sources: FunctionSources): CreatedResource {
  const properties = request.properties as FunctionProperties;
  const name = properties.FunctionName ?? request.generateName(64);
  const arn = functionArn(request, name);
  lambda.createFunction({
    name,
    arn,
    logicalId: request.logicalId,
    constructPath: request.constructPath ?? request.logicalId,
    runtime: properties.Runtime,
    handler: properties.Handler ?? '',
    codeDirectory: codeDirectory(properties, sources),
    environment: () => ({ ...properties.Environment?.Variables }),
    timeoutSeconds: Number(properties.Timeout ?? 3),
    memoryMb: Number(properties.MemorySize ?? 128),
    roleArn: properties.Role ?? '',
    logGroupName: properties.LoggingConfig?.LogGroup ?? `/aws/lambda/${name}`,
    deadLetterTargetArn: properties.DeadLetterConfig?.TargetArn,
  });
  return { ref: name, attributes: { Arn: arn } };
}

function codeDirectory({ Code, Runtime }: FunctionProperties, sources: FunctionSources): string | undefined {
  if (Code?.S3Key !== undefined) return sources.assets.find(Code.S3Key);
  if (Code?.ZipFile === undefined || Runtime?.startsWith('nodejs') !== true) return undefined;
  const directory = mkdtempSync(join(tmpdir(), 'object-workflow-function-'));
  writeFileSync(join(directory, 'index.js'), Code.ZipFile);
  sources.onTemporaryDirectory(directory);
  return directory;
}

function configureAsynchronous(request: ResourceRequest, lambda: LambdaService): CreatedResource {
  const { FunctionName, MaximumRetryAttempts, DestinationConfig } =
    request.properties as unknown as InvokeConfigProperties;
  const onSuccessArn = DestinationConfig?.OnSuccess?.Destination;
  const onFailureArn = DestinationConfig?.OnFailure?.Destination;
  lambda.configureAsynchronous(FunctionName.split(':').length > 6 ? FunctionName.split(':')[6]! : FunctionName, {
    maximumRetryAttempts: Number(MaximumRetryAttempts ?? 2),
    ...(onSuccessArn !== undefined && { onSuccessArn }),
    ...(onFailureArn !== undefined && { onFailureArn }),
  });
  return { ref: request.generateName(128), attributes: {} };
}

/** @param nameOrArn A function by name or ARN. */
function functionArn(request: ResourceRequest, nameOrArn: unknown): string {
  const text = String(nameOrArn);
  return text.startsWith('arn:')
    ? text.split(':').slice(0, 7).join(':')
    : `arn:aws:lambda:${request.region}:${request.accountId}:function:${text}`;
}
