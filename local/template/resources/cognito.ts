/** Cognito's resources: user pools, their clients, domains, scopes and groups. */
import type { WebModel } from '../../web/model';
import type { CreatedResource, ResourceHandlers, ResourceRequest } from '../resource';
import { stableHash } from '../stable-hash';
import { refuseOthers } from '../refuse-others';

interface ClientProperties {
  readonly UserPoolId: string;
  readonly CallbackURLs?: readonly string[];
  readonly LogoutURLs?: readonly string[];
  readonly AllowedOAuthScopes?: readonly string[];
  readonly AccessTokenValidity?: number;
  readonly IdTokenValidity?: number;
  readonly RefreshTokenValidity?: number;
  readonly TokenValidityUnits?: Readonly<Record<'AccessToken' | 'IdToken' | 'RefreshToken', string | undefined>>;
}

const unitSeconds: Readonly<Record<string, number>> = { seconds: 1, minutes: 60, hours: 3600, days: 86_400 };

/** Rules for passwords, second factors and messages have no effect on a login whose users are given. */
const poolProperties = [
  ...['AccountRecoverySetting', 'AdminCreateUserConfig', 'AutoVerifiedAttributes', 'DeletionProtection'],
  ...['EmailConfiguration', 'EmailVerificationMessage', 'EmailVerificationSubject', 'EnabledMfas', 'MfaConfiguration'],
  ...['Policies', 'Schema', 'SmsVerificationMessage', 'SmsConfiguration', 'UserPoolName', 'UserPoolTags'],
  ...['UserPoolTier', 'UsernameAttributes', 'UsernameConfiguration', 'VerificationMessageTemplate'],
  ...['UserAttributeUpdateSettings', 'UserPoolAddOns', 'AliasAttributes', 'DeviceConfiguration'],
];
const clientProperties = [
  ...['AccessTokenValidity', 'AllowedOAuthFlows', 'AllowedOAuthFlowsUserPoolClient', 'AllowedOAuthScopes'],
  ...['CallbackURLs', 'ClientName', 'DefaultRedirectURI', 'EnableTokenRevocation', 'ExplicitAuthFlows'],
  ...['GenerateSecret', 'IdTokenValidity', 'LogoutURLs', 'PreventUserExistenceErrors', 'ReadAttributes'],
  ...['RefreshTokenValidity', 'SupportedIdentityProviders', 'TokenValidityUnits', 'UserPoolId', 'WriteAttributes'],
];

/** Handlers for the types of Cognito. */
export function cognitoResources(web: WebModel): ResourceHandlers {
  return {
    'AWS::Cognito::UserPool': (request) => createPool(request, web),
    'AWS::Cognito::UserPoolClient': (request) => createClient(request, web),
    'AWS::Cognito::UserPoolDomain': (request) => createDomain(request, web),
    'AWS::Cognito::UserPoolResourceServer': (request) => createScopes(request, web),
    'AWS::Cognito::UserPoolGroup': (request) => {
      const name = String(request.properties['GroupName'] ?? request.generateName(128));
      web.pools.get(String(request.properties['UserPoolId']))?.groups.add(name);
      return { ref: name, attributes: {} };
    },
    // How the login looks changes nothing of what it does.
    'AWS::Cognito::ManagedLoginBranding': (request) => ({ ref: request.generateName(128), attributes: {} }),
  };
}

function createPool(request: ResourceRequest, web: WebModel): CreatedResource {
  refuseOthers(request, poolProperties);
  const { region, accountId } = request;
  const id = `${region}_${stableHash(request.generateName(200)).slice(0, 9)}`;
  const issuer = `https://cognito-idp.${region}.amazonaws.com/${id}`;
  web.pools.set(id, { id, issuer, groups: new Set(), scopes: new Set() });
  return {
    ref: id,
    attributes: {
      Arn: `arn:aws:cognito-idp:${region}:${accountId}:userpool/${id}`,
      ProviderName: issuer.replace('https://', ''),
      ProviderURL: issuer,
      UserPoolId: id,
    },
  };
}

function createClient(request: ResourceRequest, web: WebModel): CreatedResource {
  refuseOthers(request, clientProperties, {
    GenerateSecret: [false],
    AllowedOAuthFlows: [['code']],
    SupportedIdentityProviders: [['COGNITO']],
  });
  const properties = request.properties as unknown as ClientProperties;
  const id = stableHash(request.generateName(200)).slice(0, 26);
  const seconds = (name: 'AccessToken' | 'IdToken' | 'RefreshToken', fallback: number, unit: string): number =>
    Number(properties[`${name}Validity`] ?? fallback) * unitSeconds[properties.TokenValidityUnits?.[name] ?? unit]!;
  web.clients.set(id, {
    id,
    poolId: properties.UserPoolId,
    callbackUrls: properties.CallbackURLs ?? [],
    logoutUrls: properties.LogoutURLs ?? [],
    scopes: properties.AllowedOAuthScopes ?? [],
    accessTokenSeconds: seconds('AccessToken', 1, 'hours'),
    idTokenSeconds: seconds('IdToken', 1, 'hours'),
    refreshTokenSeconds: seconds('RefreshToken', 30, 'days'),
  });
  return { ref: id, attributes: { ClientId: id, Name: request.logicalId } };
}

function createDomain(request: ResourceRequest, web: WebModel): CreatedResource {
  refuseOthers(request, ['Domain', 'ManagedLoginVersion', 'UserPoolId']);
  const domain = String(request.properties['Domain']);
  const origin = `https://${domain}.auth.${request.region}.amazoncognito.com`;
  web.domains.push({ poolId: String(request.properties['UserPoolId']), origin });
  return { ref: domain, attributes: { CloudFrontDistribution: `${domain}.cloudfront.net` } };
}

function createScopes(request: ResourceRequest, web: WebModel): CreatedResource {
  const { Identifier, UserPoolId, Scopes } = request.properties as {
    readonly Identifier: string;
    readonly UserPoolId: string;
    readonly Scopes?: readonly { readonly ScopeName: string }[];
  };
  for (const { ScopeName } of Scopes ?? []) web.pools.get(UserPoolId)?.scopes.add(`${Identifier}/${ScopeName}`);
  return { ref: Identifier, attributes: {} };
}
