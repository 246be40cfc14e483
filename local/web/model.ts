/** What the template says about everything that people reach with a browser: logins, HTTP APIs, sites and CORS rules of buckets. */

/** A Cognito user pool, its scopes and groups. */
export interface UserPool {
  readonly id: string;
  readonly issuer: string;
  readonly groups: Set<string>;
  /** As tokens carry them: `uploads/read`. */
  readonly scopes: Set<string>;
}

/** An app client of a user pool. */
export interface PoolClient {
  readonly id: string;
  readonly poolId: string;
  readonly callbackUrls: readonly string[];
  readonly logoutUrls: readonly string[];
  readonly scopes: readonly string[];
  readonly accessTokenSeconds: number;
  readonly idTokenSeconds: number;
  readonly refreshTokenSeconds: number;
}

/** Where a user pool shows its managed login. */
export interface PoolDomain {
  readonly poolId: string;
  /** `https://<prefix>.auth.<region>.amazoncognito.com` */
  readonly origin: string;
}

/** An HTTP API of API Gateway. */
export interface HttpApi {
  readonly id: string;
  readonly origin: string;
  readonly cors: CorsConfiguration | undefined;
  readonly routes: ApiRoute[];
  readonly integrations: Map<string, string>;
  readonly authorizers: Map<string, JwtAuthorizer>;
}

/** Who may call an HTTP API from a page. */
export interface CorsConfiguration {
  readonly AllowOrigins?: readonly string[];
  readonly AllowMethods?: readonly string[];
  readonly AllowHeaders?: readonly string[];
  readonly ExposeHeaders?: readonly string[];
  readonly AllowCredentials?: boolean;
  readonly MaxAge?: number;
}

/** `POST /uploads` or `$default`, and what answers it. */
export interface ApiRoute {
  readonly routeKey: string;
  readonly integrationId: string;
  readonly authorizerId: string | undefined;
  readonly scopes: readonly string[];
}

/** What a token must say. */
export interface JwtAuthorizer {
  readonly issuer: string;
  readonly audience: readonly string[];
}

/** A CloudFront distribution in front of one bucket. */
export interface Distribution {
  readonly id: string;
  readonly origin: string;
  readonly bucket: string;
  readonly defaultRootObject: string | undefined;
  readonly headers: readonly SentHeader[];
  readonly errorPages: readonly ErrorPage[];
}

/** A header that a distribution adds to what it sends. */
export interface SentHeader {
  readonly name: string;
  readonly value: string;
}

/** What a distribution sends in place of its origin's error. */
export interface ErrorPage {
  readonly errorCode: number;
  readonly responseCode: number;
  readonly path: string;
}

/** One of a bucket's CORS rules. */
export interface BucketCorsRule {
  readonly AllowedOrigins: readonly string[];
  readonly AllowedMethods: readonly string[];
  readonly AllowedHeaders?: readonly string[];
  readonly ExposedHeaders?: readonly string[];
  readonly MaxAge?: number;
}

/** Everything that `serve` serves. Filled when the template is deployed. */
export class WebModel {
  readonly pools = new Map<string, UserPool>();
  readonly clients = new Map<string, PoolClient>();
  readonly domains: PoolDomain[] = [];
  readonly apis = new Map<string, HttpApi>();
  readonly headerPolicies = new Map<string, readonly SentHeader[]>();
  readonly distributions: Distribution[] = [];
  readonly bucketCors = new Map<string, readonly BucketCorsRule[]>();
}
