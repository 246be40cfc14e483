/** CORS rules of buckets: kept for pages that upload to them. */
import type { BucketCorsRule, WebModel } from '../../web/model';
import type { ResourceHandlers } from '../resource';

/** Lets S3's own handlers create the buckets, and keeps what pages may do with them. */
export function withCorsRules(handlers: ResourceHandlers, web: WebModel): ResourceHandlers {
  return {
    ...handlers,
    'AWS::S3::Bucket': (request) => {
      const created = handlers['AWS::S3::Bucket']!(request);
      const configuration = request.properties['CorsConfiguration'] as
        { readonly CorsRules?: readonly BucketCorsRule[] } | undefined;
      web.bucketCors.set(created.ref, configuration?.CorsRules ?? []);
      return created;
    },
  };
}
