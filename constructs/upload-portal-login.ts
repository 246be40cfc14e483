/** Who may use an upload portal: the user pool with its managed login, the page's client and the scopes of the API. */
import { Duration, Fn, RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  AccountRecovery,
  CfnManagedLoginBranding,
  type CfnUserPoolClient,
  FeaturePlan,
  ManagedLoginVersion,
  Mfa,
  OAuthScope,
  ResourceServerScope,
  UserPool,
  UserPoolClientIdentityProvider,
  type UserPoolClient,
  type UserPoolDomain,
  type UserPoolGroup,
  type UserPoolResourceServer,
} from 'aws-cdk-lib/aws-cognito';
import { Construct } from 'constructs';

/** How people sign in. */
export interface PortalLoginProps {
  /** Whether a second factor (a one-time code of an authenticator app) is needed.
   * @default Mfa.OPTIONAL */
  readonly mfa?: Mfa;
  /** Whether everybody may make an account.
   * @default false - accounts are made by administrators */
  readonly selfSignUpEnabled?: boolean;
  /** Groups to make. Only their members may use the portal.
   * @default - none: every user of the pool may */
  readonly groups?: readonly string[];
  /** In front of `.auth.<region>.amazoncognito.com`: unique in the Region.
   * @default - made of the stack's id */
  readonly domainPrefix?: string;
  /** What happens to the user pool when it leaves the stack. Anything but RETAIN also turns deletion protection off.
   * @default RemovalPolicy.RETAIN */
  readonly removalPolicy?: RemovalPolicy;
}

/** What a page may do with its user's uploads; each route of the API asks for one. */
export const portalScopes = { read: 'read', write: 'write' } as const;

/** A user pool for one page: sign-in by e-mail, strong passwords, authorization code with PKCE, no client secret. */
export class PortalLogin extends Construct {
  public readonly userPool: UserPool;
  public readonly domain: UserPoolDomain;
  public readonly resourceServer: UserPoolResourceServer;
  public readonly groups: readonly UserPoolGroup[];
  /** In front of a scope's name, as tokens carry it: `uploads/`. */
  public readonly scopePrefix = 'uploads/';
  private readonly scopes = [
    new ResourceServerScope({ scopeName: portalScopes.read, scopeDescription: 'See own uploads and results' }),
    new ResourceServerScope({ scopeName: portalScopes.write, scopeDescription: 'Upload files' }),
  ];

  constructor(scope: Construct, id: string, props: PortalLoginProps = {}) {
    super(scope, id);
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN;
    const mfa = props.mfa ?? Mfa.OPTIONAL;
    this.userPool = new UserPool(this, 'UserPool', {
      featurePlan: FeaturePlan.ESSENTIALS,
      selfSignUpEnabled: props.selfSignUpEnabled ?? false,
      signInAliases: { email: true },
      autoVerify: { email: true },
      signInCaseSensitive: false,
      accountRecovery: AccountRecovery.EMAIL_ONLY,
      mfa,
      // A code by SMS costs money and can be intercepted.
      ...(mfa !== Mfa.OFF && { mfaSecondFactor: { otp: true, sms: false } }),
      passwordPolicy: {
        minLength: 12,
        requireLowercase: true,
        requireUppercase: true,
        requireDigits: true,
        requireSymbols: true,
        tempPasswordValidity: Duration.days(7),
      },
      deletionProtection: removalPolicy === RemovalPolicy.RETAIN,
      removalPolicy,
    });
    this.domain = this.userPool.addDomain('Domain', {
      cognitoDomain: { domainPrefix: props.domainPrefix ?? `portal-${this.uniqueSuffix()}` },
      managedLoginVersion: ManagedLoginVersion.NEWER_MANAGED_LOGIN,
    });
    this.resourceServer = this.userPool.addResourceServer('Uploads', { identifier: 'uploads', scopes: this.scopes });
    this.groups = (props.groups ?? []).map((groupName) => this.userPool.addGroup(groupName, { groupName }));
  }

  /** Makes the page's client. Tokens go to no address but these. */
  public addPageClient(addresses: readonly string[]): UserPoolClient {
    const client = this.userPool.addClient('Page', {
      generateSecret: false,
      authFlows: {},
      oAuth: {
        flows: { authorizationCodeGrant: true },
        scopes: [
          OAuthScope.OPENID,
          OAuthScope.EMAIL,
          ...this.scopes.map((scope) => OAuthScope.resourceServer(this.resourceServer, scope)),
        ],
        callbackUrls: [...addresses],
        logoutUrls: [...addresses],
      },
      supportedIdentityProviders: [UserPoolClientIdentityProvider.COGNITO],
      preventUserExistenceErrors: true,
      enableTokenRevocation: true,
      accessTokenValidity: Duration.hours(1),
      idTokenValidity: Duration.hours(1),
      refreshTokenValidity: Duration.hours(12),
    });
    // Without this, the pool's own API would take passwords past the managed login.
    (client.node.defaultChild as CfnUserPoolClient).explicitAuthFlows = ['ALLOW_REFRESH_TOKEN_AUTH'];
    // Without a branding of the client, managed login shows an error in place of its form.
    new CfnManagedLoginBranding(this, 'Branding', {
      userPoolId: this.userPool.userPoolId,
      clientId: client.userPoolClientId,
      useCognitoProvidedValues: true,
    });
    return client;
  }

  /** The prefix must be unique among all accounts of the Region, and stay the same: the id of the stack is both. */
  private uniqueSuffix(): string {
    const stackUuid = Fn.select(2, Fn.split('/', Stack.of(this).stackId));
    return `${stackUuid}-${this.node.addr.slice(-8)}`;
  }
}
