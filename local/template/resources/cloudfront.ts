/** CloudFront's resources: distributions in front of a bucket, and the headers they send. */
import { UnsupportedError } from '../../services/service';
import type { ErrorPage, SentHeader, WebModel } from '../../web/model';
import type { CreatedResource, ResourceHandlers, ResourceRequest } from '../resource';
import { stableHash } from '../stable-hash';

interface DistributionProperties {
  readonly CacheBehaviors?: readonly unknown[];
  readonly CustomErrorResponses?: readonly {
    readonly ErrorCode: number;
    readonly ResponseCode?: number;
    readonly ResponsePagePath?: string;
  }[];
  readonly DefaultCacheBehavior: { readonly ResponseHeadersPolicyId?: string; readonly [name: string]: unknown };
  readonly DefaultRootObject?: string;
  readonly Origins: readonly { readonly DomainName: string }[];
}

/** Handlers for the types of CloudFront. */
export function cloudFrontResources(web: WebModel): ResourceHandlers {
  return {
    'AWS::CloudFront::Distribution': (request) => createDistribution(request, web),
    'AWS::CloudFront::ResponseHeadersPolicy': (request) => createHeaders(request, web),
    'AWS::CloudFront::OriginAccessControl': (request) => {
      const id = cloudFrontId('E', request);
      return { ref: id, attributes: { Id: id } };
    },
  };
}

function createDistribution(request: ResourceRequest, web: WebModel): CreatedResource {
  const config = request.properties['DistributionConfig'] as DistributionProperties;
  refuseMoreThanOnePage(config, request);
  const bucket = /^(.+)\.s3\.(?:[a-z0-9-]+\.)?amazonaws\.com$/.exec(config.Origins[0]!.DomainName)?.[1];
  if (bucket === undefined) throw unsupported('an origin that is no bucket', request);
  const id = cloudFrontId('E', request);
  const domainName = `${cloudFrontId('d', request).toLowerCase()}.cloudfront.net`;
  const policy = config.DefaultCacheBehavior.ResponseHeadersPolicyId;
  const headers = policy === undefined ? [] : web.headerPolicies.get(policy);
  if (headers === undefined) throw unsupported('a managed response headers policy', request);
  web.distributions.push({
    id,
    origin: `https://${domainName}`,
    bucket,
    defaultRootObject: config.DefaultRootObject,
    headers,
    errorPages: (config.CustomErrorResponses ?? []).flatMap(readErrorPage),
  });
  return { ref: id, attributes: { DomainName: domainName, Id: id } };
}

/** What is served at which path is decided by the first behaviour only. */
function refuseMoreThanOnePage(config: DistributionProperties, request: ResourceRequest): void {
  if ((config.CacheBehaviors ?? []).length > 0) throw unsupported('CacheBehaviors', request);
  if (config.Origins.length !== 1) throw unsupported('more than one origin', request);
  for (const name of ['FunctionAssociations', 'LambdaFunctionAssociations', 'TrustedKeyGroups']) {
    const value = config.DefaultCacheBehavior[name];
    if (Array.isArray(value) && value.length > 0) throw unsupported(`DefaultCacheBehavior.${name}`, request);
  }
}

function readErrorPage({
  ErrorCode,
  ResponseCode,
  ResponsePagePath,
}: NonNullable<DistributionProperties['CustomErrorResponses']>[number]): ErrorPage[] {
  return ResponsePagePath === undefined
    ? []
    : [{ errorCode: Number(ErrorCode), responseCode: Number(ResponseCode ?? ErrorCode), path: ResponsePagePath }];
}

interface HeadersProperties {
  readonly SecurityHeadersConfig?: {
    readonly ContentSecurityPolicy?: { readonly ContentSecurityPolicy: string };
    readonly ContentTypeOptions?: object;
    readonly FrameOptions?: { readonly FrameOption: string };
    readonly ReferrerPolicy?: { readonly ReferrerPolicy: string };
    readonly StrictTransportSecurity?: {
      readonly AccessControlMaxAgeSec: number;
      readonly IncludeSubdomains?: boolean;
      readonly Preload?: boolean;
    };
  };
  readonly CustomHeadersConfig?: { readonly Items: readonly { readonly Header: string; readonly Value: string }[] };
}

function createHeaders(request: ResourceRequest, web: WebModel): CreatedResource {
  const config = request.properties['ResponseHeadersPolicyConfig'] as HeadersProperties & Record<string, unknown>;
  for (const name of ['CorsConfig', 'RemoveHeadersConfig', 'ServerTimingHeadersConfig']) {
    if (config[name] !== undefined) throw unsupported(`ResponseHeadersPolicyConfig.${name}`, request);
  }
  const id = stableHash(request.generateName(200)).slice(0, 32);
  web.headerPolicies.set(id, [...securityHeaders(config), ...customHeaders(config)]);
  return { ref: id, attributes: { Id: id } };
}

function securityHeaders({ SecurityHeadersConfig: config = {} }: HeadersProperties): SentHeader[] {
  const transport = config.StrictTransportSecurity;
  const headers: readonly (readonly [string, string | undefined])[] = [
    ['content-security-policy', config.ContentSecurityPolicy?.ContentSecurityPolicy],
    ['x-content-type-options', config.ContentTypeOptions && 'nosniff'],
    ['x-frame-options', config.FrameOptions?.FrameOption],
    ['referrer-policy', config.ReferrerPolicy?.ReferrerPolicy],
    [
      'strict-transport-security',
      transport &&
        `max-age=${transport.AccessControlMaxAgeSec}${transport.IncludeSubdomains === true ? '; includeSubDomains' : ''}${transport.Preload === true ? '; preload' : ''}`,
    ],
  ];
  return headers.flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }]));
}

function customHeaders({ CustomHeadersConfig: config }: HeadersProperties): SentHeader[] {
  return (config?.Items ?? []).map(({ Header, Value }) => ({ name: Header.toLowerCase(), value: Value }));
}

function cloudFrontId(prefix: string, request: ResourceRequest): string {
  return `${prefix}${stableHash(`${prefix}/${request.generateName(200)}`)
    .slice(0, 13)
    .toUpperCase()}`;
}

function unsupported(what: string, request: ResourceRequest): UnsupportedError {
  return new UnsupportedError(
    `${request.type} with ${what}`,
    `${request.logicalId} of stack ${request.stackName}`,
    'leave it out of the stack that is simulated',
  );
}
