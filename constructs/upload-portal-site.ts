/** The portal's page: a private bucket behind CloudFront, with the headers that keep a page with tokens safe. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { ICertificate } from 'aws-cdk-lib/aws-certificatemanager';
import {
  AllowedMethods,
  Distribution,
  HeadersFrameOption,
  HeadersReferrerPolicy,
  HttpVersion,
  PriceClass,
  ResponseHeadersPolicy,
  SecurityPolicyProtocol,
  ViewerProtocolPolicy,
} from 'aws-cdk-lib/aws-cloudfront';
import { S3BucketOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { BucketDeployment, CacheControl, Source } from 'aws-cdk-lib/aws-s3-deployment';
import { Construct } from 'constructs';
import { explainDeployment } from './known-findings';

/** An address of your own. */
export interface PortalDomain {
  /** `files.example.org`; its DNS record is yours to make. */
  readonly name: string;
  /** A certificate for it in us-east-1, where CloudFront looks for it. */
  readonly certificate: ICertificate;
}

/** How the page is served. */
export interface PortalSiteProps {
  /** @default - the address that CloudFront gives */
  readonly domain?: PortalDomain;
  /** ARN of a web ACL of AWS WAF in us-east-1.
   * @default - none */
  readonly webAclId?: string;
  /** Keeps the access logs of CloudFront: takes ACLs (BUCKET_OWNER_PREFERRED), because CloudFront writes with them.
   * @default - a bucket of its own that keeps them for 90 days */
  readonly accessLogs?: Bucket;
}

/** What the page must know of its surroundings. */
export interface PageConfiguration {
  /** Whatever the page reads from `config.json`. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Origins that the page may talk to, besides its own. */
  readonly connectTo: readonly string[];
}

/** Everything that a page of ours needs, and nothing else. */
const contentSources =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'";

/** Bucket, distribution, headers and logs of the page. */
export class PortalSite extends Construct {
  public readonly bucket: Bucket;
  public readonly distribution: Distribution;
  public readonly headers: ResponseHeadersPolicy;
  public readonly accessLogs: Bucket;
  /** The page's origin: `https://` and its host. */
  public readonly origin: string;

  constructor(scope: Construct, id: string, props: PortalSiteProps = {}) {
    super(scope, id);
    this.accessLogs = props.accessLogs ?? this.createLogs();
    this.bucket = new Bucket(this, 'Bucket', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      encryption: BucketEncryption.S3_MANAGED,
      serverAccessLogsBucket: this.accessLogs,
      serverAccessLogsPrefix: 'bucket/',
      // Holds nothing but copies of what this package ships.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.headers = this.createHeaders();
    this.distribution = this.createDistribution(props);
    this.origin = `https://${props.domain?.name ?? this.distribution.distributionDomainName}`;
  }

  /** Puts the page into the bucket, with what it must know. Called last: its surroundings know the page's address. */
  public deployPage({ settings, connectTo }: PageConfiguration): BucketDeployment {
    const folder = pageFolder(this.node.path);
    const policy = `${contentSources}; connect-src ${["'self'", ...connectTo].join(' ')}`;
    const page = readFileSync(join(folder, 'index.html'), 'utf8').replace('{{content-security-policy}}', policy);
    const deployment = new BucketDeployment(this, 'Page', {
      destinationBucket: this.bucket,
      sources: [
        Source.asset(folder, { exclude: ['index.html'] }),
        Source.data('index.html', page),
        Source.jsonData('config.json', settings),
      ],
      // Names stay the same from release to release, so a browser asks each time; unchanged files are not sent again.
      cacheControl: [CacheControl.noCache()],
      distribution: this.distribution,
      distributionPaths: ['/*'],
      memoryLimit: 256,
      retainOnDelete: false,
    });
    explainDeployment(deployment.handlerRole, this.bucket.bucketArn);
    return deployment;
  }

  private createDistribution({ domain, webAclId }: PortalSiteProps): Distribution {
    const page = { responsePagePath: '/index.html', responseHttpStatus: 200, ttl: Duration.minutes(5) };
    return new Distribution(this, 'Distribution', {
      comment: `Upload portal ${this.node.path}`.slice(0, 128),
      defaultRootObject: 'index.html',
      defaultBehavior: {
        origin: S3BucketOrigin.withOriginAccessControl(this.bucket),
        viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
        allowedMethods: AllowedMethods.ALLOW_GET_HEAD,
        responseHeadersPolicy: this.headers,
        compress: true,
      },
      // S3 says "forbidden" of what is not there, because the distribution may not list the bucket.
      errorResponses: [
        { httpStatus: 403, ...page },
        { httpStatus: 404, ...page },
      ],
      ...(domain && { domainNames: [domain.name], certificate: domain.certificate }),
      minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2021,
      httpVersion: HttpVersion.HTTP2_AND_3,
      priceClass: PriceClass.PRICE_CLASS_100,
      webAclId,
      enableLogging: true,
      logBucket: this.accessLogs,
      logFilePrefix: 'distribution/',
    });
  }

  /** The page itself says more narrowly what it may connect to. It cannot be said here: those services allow this
   * distribution's origin, and neither can be made before the other. A browser obeys both. */
  private createHeaders(): ResponseHeadersPolicy {
    return new ResponseHeadersPolicy(this, 'Headers', {
      comment: 'What a page that holds tokens must send',
      securityHeadersBehavior: {
        contentSecurityPolicy: {
          contentSecurityPolicy: `${contentSources}; connect-src 'self' https:; frame-ancestors 'none'`,
          override: true,
        },
        contentTypeOptions: { override: true },
        frameOptions: { frameOption: HeadersFrameOption.DENY, override: true },
        referrerPolicy: { referrerPolicy: HeadersReferrerPolicy.NO_REFERRER, override: true },
        strictTransportSecurity: {
          accessControlMaxAge: Duration.days(730),
          includeSubdomains: true,
          override: true,
        },
      },
      customHeadersBehavior: {
        customHeaders: [
          { header: 'Cross-Origin-Opener-Policy', value: 'same-origin', override: true },
          { header: 'Permissions-Policy', value: 'camera=(), geolocation=(), microphone=()', override: true },
        ],
      },
    });
  }

  private createLogs(): Bucket {
    return new Bucket(this, 'AccessLogs', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_PREFERRED,
      enforceSSL: true,
      encryption: BucketEncryption.S3_MANAGED,
      lifecycleRules: [
        { id: 'Expire', expiration: Duration.days(90), abortIncompleteMultipartUploadAfter: Duration.days(7) },
      ],
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }
}

/** The page lies beside this folder when it is packaged, and under `dist` when it runs from source. */
function pageFolder(path: string): string {
  const candidates = [join(__dirname, '..', 'portal-page'), join(__dirname, '..', 'dist', 'portal-page')];
  const folder = candidates.find((candidate) => existsSync(join(candidate, 'page.js')));
  if (folder !== undefined) return folder;
  throw new Error(
    `There is no page to deploy, at ${path}\n  got: no page.js in ${candidates.join(' or ')}\n  allowed: the page of this package\n  fix: run \`npm run build\` in this package`,
  );
}
