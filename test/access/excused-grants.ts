/** Grants that nothing here can need, with the reason why they are there. Each is named by the tests of the templates that have it, which
 * fail when it is needed after all, or gone. */
import type { Excuse } from './permission-judge';

/** What is written by CDK for its custom resource that copies files into a bucket. */
export const bucketDeployment: Excuse = {
  policy: /\/Custom::CDKBucketDeployment\w+\/ServiceRole\//,
  reason: 'CDK’s own function copies the page at deployment: its policies are CDK’s, and its code does not run here.',
};

/** Logs of requests, in a bucket. */
export const accessLogs: Excuse = {
  policy: /\/Logs\/Policy\//,
  action: /^s3:PutObject$/,
  reason: 'S3 and load balancers write logs of requests; neither is simulated.',
};

/** A role that people assume. */
export const drillOperator: Excuse = {
  policy: /\/Drill\/Operator\/Resource\/AssumeRolePolicy$/,
  reason: 'Somebody of the account assumes it; people are not simulated.',
};

/** What AWS Backup restores with, beyond small objects without tags. */
export const restoreOfBigObjects: Excuse = {
  policy: /\/Drill\/Restore\//,
  action: /^s3:(GetObjectTagging|ListMultipartUploadParts)$/,
  reason:
    'AWS’s managed policy for restores has them for tagged and for big objects: only small ones are restored here.',
};

/** Reading an object as it is now. */
export const sourceWithoutVersions: Excuse = {
  policy: /\/Validator\/Role\//,
  action: /^s3:GetObject$/,
  reason: 'Where the source keeps no versions a validator reads without one, as the workflow does: shown for that.',
};
