/** How members of staff sign in: a user pool with managed login, whose access tokens the application verifies. */
import { Aws, Duration, RemovalPolicy } from 'aws-cdk-lib';
import {
  AccountRecovery,
  CfnManagedLoginBranding,
  FeaturePlan,
  ManagedLoginVersion,
  Mfa,
  OAuthScope,
  ResourceServerScope,
  UserPool,
  UserPoolClientIdentityProvider,
  type UserPoolClient,
} from 'aws-cdk-lib/aws-cognito';
import { Construct } from 'constructs';

export interface StaffLoginProps {
  /** Where a page or program gets its authorization code. */
  readonly signedInAddress: string;
}

const rights = {
  read: 'Read customers and their attachments',
  write: 'Register and change customers, add attachments',
  erase: 'Erase customers for good',
};

/** Accounts are made by administrators, and a second factor is needed: behind this login are people's documents. */
export class StaffLogin extends Construct {
  readonly userPool: UserPool;
  readonly client: UserPoolClient;
  /** As tokens name it. */
  readonly issuer: string;

  constructor(scope: Construct, id: string, { signedInAddress }: StaffLoginProps) {
    super(scope, id);
    this.userPool = new UserPool(this, 'UserPool', {
      featurePlan: FeaturePlan.ESSENTIALS,
      selfSignUpEnabled: false,
      signInAliases: { email: true },
      autoVerify: { email: true },
      signInCaseSensitive: false,
      accountRecovery: AccountRecovery.EMAIL_ONLY,
      mfa: Mfa.REQUIRED,
      mfaSecondFactor: { otp: true, sms: false },
      passwordPolicy: {
        minLength: 14,
        requireLowercase: true,
        requireUppercase: true,
        requireDigits: true,
        requireSymbols: true,
        tempPasswordValidity: Duration.days(3),
      },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    this.userPool.addDomain('Domain', {
      cognitoDomain: { domainPrefix: `customer-registration-${Aws.ACCOUNT_ID}` },
      managedLoginVersion: ManagedLoginVersion.NEWER_MANAGED_LOGIN,
    });
    const scopes = Object.entries(rights).map(
      ([scopeName, scopeDescription]) => new ResourceServerScope({ scopeName, scopeDescription }),
    );
    const server = this.userPool.addResourceServer('Registrations', { identifier: 'registrations', scopes });
    this.client = this.userPool.addClient('Client', {
      generateSecret: false,
      authFlows: {},
      oAuth: {
        flows: { authorizationCodeGrant: true },
        scopes: [OAuthScope.OPENID, ...scopes.map((scope) => OAuthScope.resourceServer(server, scope))],
        callbackUrls: [signedInAddress],
        logoutUrls: [signedInAddress],
      },
      supportedIdentityProviders: [UserPoolClientIdentityProvider.COGNITO],
      preventUserExistenceErrors: true,
      enableTokenRevocation: true,
      accessTokenValidity: Duration.minutes(30),
      refreshTokenValidity: Duration.hours(10),
    });
    new CfnManagedLoginBranding(this, 'Branding', {
      userPoolId: this.userPool.userPoolId,
      clientId: this.client.userPoolClientId,
      useCognitoProvidedValues: true,
    });
    this.issuer = this.userPool.userPoolProviderUrl;
  }
}
