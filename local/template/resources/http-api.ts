/** API Gateway's resources for HTTP APIs: routes with JWT authorizers in front of functions. */
import type { CorsConfiguration, HttpApi, WebModel } from '../../web/model';
import type { CreatedResource, ResourceHandlers, ResourceRequest } from '../resource';
import { stableHash } from '../stable-hash';
import { refuseOthers } from '../refuse-others';

/** Handlers for the types of HTTP APIs. */
export function httpApiResources(web: WebModel): ResourceHandlers {
  return {
    'AWS::ApiGatewayV2::Api': (request) => createApi(request, web),
    'AWS::ApiGatewayV2::Integration': (request) => createIntegration(request, web),
    'AWS::ApiGatewayV2::Authorizer': (request) => createAuthorizer(request, web),
    'AWS::ApiGatewayV2::Route': (request) => createRoute(request, web),
    // Throttling is not simulated, and access logs are not written.
    'AWS::ApiGatewayV2::Stage': (request) => {
      const known = ['AccessLogSettings', 'ApiId', 'AutoDeploy', 'DefaultRouteSettings', 'Description', 'Tags'];
      refuseOthers(request, known, { StageName: ['$default'] });
      return { ref: '$default', attributes: {} };
    },
  };
}

function createApi(request: ResourceRequest, web: WebModel): CreatedResource {
  refuseOthers(request, ['CorsConfiguration', 'Description', 'Name', 'Tags'], { ProtocolType: ['HTTP'] });
  const id = stableHash(request.generateName(200)).slice(0, 10);
  const origin = `https://${id}.execute-api.${request.region}.amazonaws.com`;
  const cors = request.properties['CorsConfiguration'] as CorsConfiguration | undefined;
  web.apis.set(id, { id, origin, cors, routes: [], integrations: new Map(), authorizers: new Map() });
  return { ref: id, attributes: { ApiId: id, ApiEndpoint: origin } };
}

function createIntegration(request: ResourceRequest, web: WebModel): CreatedResource {
  refuseOthers(request, ['ApiId', 'IntegrationUri', 'Description', 'IntegrationMethod', 'TimeoutInMillis'], {
    IntegrationType: ['AWS_PROXY'],
    PayloadFormatVersion: ['2.0'],
  });
  const id = stableHash(request.generateName(200)).slice(0, 7);
  apiOf(request, web).integrations.set(id, String(request.properties['IntegrationUri']));
  return { ref: id, attributes: { IntegrationId: id } };
}

function createAuthorizer(request: ResourceRequest, web: WebModel): CreatedResource {
  refuseOthers(request, ['ApiId', 'JwtConfiguration', 'Name'], {
    AuthorizerType: ['JWT'],
    IdentitySource: [['$request.header.Authorization']],
  });
  const { Issuer, Audience } = request.properties['JwtConfiguration'] as {
    readonly Issuer: string;
    readonly Audience: readonly string[];
  };
  const id = stableHash(request.generateName(200)).slice(0, 6);
  apiOf(request, web).authorizers.set(id, { issuer: Issuer, audience: Audience });
  return { ref: id, attributes: { AuthorizerId: id } };
}

function createRoute(request: ResourceRequest, web: WebModel): CreatedResource {
  refuseOthers(request, ['ApiId', 'AuthorizationScopes', 'AuthorizerId', 'OperationName', 'RouteKey', 'Target'], {
    AuthorizationType: ['JWT', 'NONE'],
  });
  const { RouteKey, Target, AuthorizerId, AuthorizationScopes } = request.properties as {
    readonly RouteKey: string;
    readonly Target: string;
    readonly AuthorizerId?: string;
    readonly AuthorizationScopes?: readonly string[];
  };
  apiOf(request, web).routes.push({
    routeKey: RouteKey,
    integrationId: Target.replace('integrations/', ''),
    authorizerId: AuthorizerId,
    scopes: AuthorizationScopes ?? [],
  });
  const id = stableHash(request.generateName(200)).slice(0, 7);
  return { ref: id, attributes: { RouteId: id } };
}

function apiOf(request: ResourceRequest, web: WebModel): HttpApi {
  return web.apis.get(String(request.properties['ApiId']))!;
}
