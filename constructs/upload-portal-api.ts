/** The portal's API: an HTTP API that lets only tokens of the portal's login through, and the function behind it. */
import { Duration, RemovalPolicy, type Size } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  CorsHttpMethod,
  HttpApi,
  HttpMethod,
  HttpStage,
  LogGroupLogDestination,
  type ThrottleSettings,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { UserPoolClient } from 'aws-cdk-lib/aws-cognito';
import { PolicyStatement, type Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { portalRoutes } from '../tasks/portal/route-list';
import { uploadPartitionPrefix } from '../tasks/portal/upload-record';
import { uploadPortal } from '../tasks/portal/upload-portal';
import type { LedgerTable } from './ledger-table';
import { policyText, validationRulesOf, type ObjectSource } from './object-source';
import { TaskFunction } from './task-function';
import type { PortalLogin } from './upload-portal-login';

/** What a portal needs of a workflow. An `ObjectWorkflow` has all of it. */
export interface PortalWorkflow {
  /** Where uploads go. */
  readonly source: ObjectSource;
  /** Where their way is read, and where the portal keeps its own items. */
  readonly ledger: LedgerTable;
  /** Allows reading the ledger's records and the results that they name. */
  grantReadResults(grantee: IGrantable): Grant;
}

/** What the API is made of. */
export interface PortalApiProps {
  /** Processes what is uploaded. */
  readonly workflow: PortalWorkflow;
  /** Issues the tokens, and names their scopes. */
  readonly login: PortalLogin;
  /** The page's client: tokens for others are refused. */
  readonly client: UserPoolClient;
  /** The one origin whose pages may call the API: `https://…`, without a path. */
  readonly origin: string;
  /** Bigger files are sent in parts. */
  readonly multipartFrom: Size;
  /** Requests of all users together. */
  readonly throttle: ThrottleSettings;
}

/** What an access log says of a request: who and what, never a token or a body. */
const accessLogFormat = JSON.stringify({
  requestId: '$context.requestId',
  time: '$context.requestTime',
  method: '$context.httpMethod',
  route: '$context.routeKey',
  status: '$context.status',
  latencyMs: '$context.responseLatency',
  sourceIp: '$context.identity.sourceIp',
  user: '$context.authorizer.claims.sub',
  error: '$context.error.message',
  authorizerError: '$context.authorizer.error',
});

/** The HTTP API and its function. */
export class PortalApi extends Construct {
  public readonly api: HttpApi;
  public readonly stage: HttpStage;
  public readonly accessLog: LogGroup;
  public readonly lambda: TaskFunction<typeof uploadPortal>;

  constructor(scope: Construct, id: string, props: PortalApiProps) {
    super(scope, id);
    this.lambda = this.createFunction(props);
    this.api = new HttpApi(this, 'Api', {
      description: 'Announces uploads and follows them through the workflow',
      createDefaultStage: false,
      corsPreflight: {
        allowOrigins: [props.origin],
        allowMethods: [CorsHttpMethod.GET, CorsHttpMethod.POST, CorsHttpMethod.DELETE],
        allowHeaders: ['authorization', 'content-type'],
        maxAge: Duration.hours(1),
      },
    });
    this.addRoutes(props);
    this.accessLog = new LogGroup(this, 'AccessLog', {
      retention: RetentionDays.SIX_MONTHS,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.stage = new HttpStage(this, 'Stage', {
      httpApi: this.api,
      stageName: '$default',
      autoDeploy: true,
      throttle: props.throttle,
      accessLogSettings: {
        destination: new LogGroupLogDestination(this.accessLog),
        format: AccessLogFormat.custom(accessLogFormat),
      },
    });
  }

  private addRoutes({ login, client }: PortalApiProps): void {
    const authorizer = new HttpJwtAuthorizer('Login', login.userPool.userPoolProviderUrl, {
      jwtAudience: [client.userPoolClientId],
    });
    // One permission for the API: CDK's one for each route names only its path, and so one would repeat another.
    const integration = new HttpLambdaIntegration('Function', this.lambda.function, { scopePermissionToRoute: false });
    for (const { method, path, scope } of portalRoutes) {
      this.api.addRoutes({
        path,
        methods: [HttpMethod[method]],
        integration,
        authorizer,
        authorizationScopes: [`${login.scopePrefix}${scope}`],
      });
    }
  }

  private createFunction({ workflow, login, multipartFrom }: PortalApiProps): TaskFunction<typeof uploadPortal> {
    const { source, ledger } = workflow;
    const lambda = new TaskFunction(this, 'Function', {
      task: uploadPortal,
      // API Gateway waits no longer.
      timeout: Duration.seconds(29),
      settings: {
        ledgerTable: ledger.table.tableName,
        sourceBucket: source.bucket.bucketName,
        sourcePrefix: source.prefix,
        sourceSuffix: source.suffix,
        rules: validationRulesOf(source),
        multipartFromBytes: multipartFrom.toBytes(),
        groups: login.groups.map((group) => group.groupName),
        scopePrefix: login.scopePrefix,
      },
    });
    workflow.grantReadResults(lambda);
    // How far an execution has come, its operations tell.
    ledger.grantFindByOwner(lambda);
    const isEverInParts = source.maximumSize === undefined || source.maximumSize.toBytes() > multipartFrom.toBytes();
    // S3 decrypts the parts to put them together.
    source.bucket.encryptionKey?.grant(lambda, 'kms:GenerateDataKey', ...(isEverInParts ? ['kms:Decrypt'] : []));
    lambda.allow(
      new PolicyStatement({
        actions: ['s3:PutObject', ...(isEverInParts ? ['s3:AbortMultipartUpload', 's3:ListMultipartUploadParts'] : [])],
        resources: [source.bucket.arnForObjects(`${policyText(source.prefix ?? '')}*`)],
      }),
      // Its own items only: no request can make it touch a record of the workflow.
      new PolicyStatement({
        actions: ['dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'],
        resources: [ledger.table.tableArn],
        conditions: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [`${uploadPartitionPrefix}*`] } },
      }),
    );
    return lambda;
  }
}
