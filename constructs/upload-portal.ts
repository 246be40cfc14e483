/** The construct `UploadPortal`: a page where people sign in, upload files, see them through the workflow and get results. */
import { Annotations, Size, Stack } from 'aws-cdk-lib';
import type { ThrottleSettings } from 'aws-cdk-lib/aws-apigatewayv2';
import type { UserPoolClient } from 'aws-cdk-lib/aws-cognito';
import { Bucket, HttpMethods, type IBucket } from 'aws-cdk-lib/aws-s3';
import type { BucketDeployment } from 'aws-cdk-lib/aws-s3-deployment';
import { Construct } from 'constructs';
import { explainFindings } from './known-findings';
import { PortalApi, type PortalWorkflow } from './upload-portal-api';
import { PortalLogin, portalScopes, type PortalLoginProps } from './upload-portal-login';
import { PortalSite, type PortalSiteProps } from './upload-portal-site';

/** What a portal is made of. Only `workflow` is needed. */
export interface UploadPortalProps extends PortalLoginProps, PortalSiteProps {
  /** Processes what is uploaded. Its source says where files go and which are acceptable. */
  readonly workflow: PortalWorkflow;
  /** Heading of the page.
   * @default - "Uploads", in the language of the page */
  readonly title?: string;
  /** Bigger files are sent in parts, which can be taken up again after an interruption.
   * @default Size.mebibytes(16) */
  readonly multipartFrom?: Size;
  /** Requests to the API, of all users together.
   * @default { rateLimit: 50, burstLimit: 100 } */
  readonly throttle?: ThrottleSettings;
}

/** A login, an API and a page for the uploads of a workflow. Each user sees and reaches only their own files:
 * under the source's prefix, everybody has a folder named after the identifier that the user pool gave them.
 * Files never pass through the API: the browser sends them to S3, with an address that is signed for exactly this key,
 * type and size, and for a quarter of an hour.
 * @example
 * ```ts
 * const workflow = new ObjectWorkflow(this, 'Invoices', { source: { bucket: inbox.bucket }, processor });
 * const { address } = new UploadPortal(this, 'Portal', { workflow });
 * ``` */
export class UploadPortal extends Construct {
  public readonly login: PortalLogin;
  public readonly site: PortalSite;
  public readonly client: UserPoolClient;
  public readonly api: PortalApi;
  public readonly page: BucketDeployment;
  /** Where the page is: `https://…`. */
  public readonly address: string;

  constructor(scope: Construct, id: string, props: UploadPortalProps) {
    super(scope, id);
    const { workflow } = props;
    this.login = new PortalLogin(this, 'Login', props);
    this.site = new PortalSite(this, 'Site', props);
    this.address = this.site.origin;
    this.client = this.login.addPageClient([`${this.address}/`]);
    this.api = new PortalApi(this, 'Api', {
      workflow,
      login: this.login,
      client: this.client,
      origin: this.address,
      multipartFrom: props.multipartFrom ?? Size.mebibytes(16),
      throttle: props.throttle ?? { rateLimit: 50, burstLimit: 100 },
    });
    this.allowUploadsFromPage(workflow.source.bucket);
    this.page = this.deployPage(props);
    explainFindings(this);
  }

  private deployPage({ workflow: { source }, title }: UploadPortalProps): BucketDeployment {
    const login = this.login.domain.baseUrl();
    const api = this.api.api.apiEndpoint;
    return this.site.deployPage({
      settings: {
        login,
        clientId: this.client.userPoolClientId,
        api,
        scopes: Object.values(portalScopes).map((name) => `${this.login.scopePrefix}${name}`),
        ...(title !== undefined && { title }),
        accepts: {
          ...(source.suffix !== undefined && { suffix: source.suffix }),
          ...(source.maximumSize && { maximumBytes: source.maximumSize.toBytes() }),
          contentTypes: source.contentTypes ?? [],
        },
      },
      connectTo: [api, login, `https://${source.bucket.bucketRegionalDomainName}`],
    });
  }

  /** S3 asks where a page comes from before it takes a file from a browser. */
  private allowUploadsFromPage(bucket: IBucket): void {
    if (bucket instanceof Bucket && Stack.of(bucket) === Stack.of(this)) {
      bucket.addCorsRule({
        allowedOrigins: [this.address],
        allowedMethods: [HttpMethods.POST, HttpMethods.PUT],
        allowedHeaders: ['content-type', 'x-amz-checksum-sha256'],
        exposedHeaders: ['ETag'],
        maxAge: 3600,
      });
      return;
    }
    Annotations.of(this).addWarningV2(
      'cdk-object-workflow:portalCors',
      `The source's bucket must allow the page's origin itself, at ${this.node.path}\n  got: ${bucket.node.path}, which is not a bucket of this stack\n  allowed: a CORS rule for POST and PUT from the portal's \`address\`, with the headers content-type and x-amz-checksum-sha256\n  fix: add the rule to the bucket, then acknowledge this warning`,
    );
  }
}
