/** How each service says that a call is not allowed. */
import { ServiceError, type ServiceName } from '../services/service';
import type { DenialReason } from './evaluate';

/** What was refused to whom. */
export interface Denial {
  /** ARN of the role's session, or the name of a service. */
  readonly requester: string;
  readonly action: string;
  readonly resource: string;
  readonly reason: DenialReason;
}

const policyKinds: Readonly<Record<string, string>> = {
  identity: 'identity-based policy',
  resource: 'resource-based policy',
  boundary: 'permissions boundary',
};

/** Codes of services that do not answer `AccessDeniedException`. */
const codes: Readonly<Partial<Record<ServiceName, string>>> = {
  autoscaling: 'AccessDenied',
  ec2: 'UnauthorizedOperation',
  monitoring: 'AccessDenied',
  s3: 'AccessDenied',
  sns: 'AuthorizationError',
  sqs: 'AccessDenied',
  sts: 'AccessDenied',
};

/** Services of the JSON protocols answer 400; the others 403. */
const badRequests: readonly ServiceName[] = ['dynamodb', 'events', 'logs', 'ssm', 'states'];

/** The text that all services share.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html (read 2026-11) */
export function denialText({ requester, action, resource, reason }: Denial): string {
  const [strength, kind = ''] = reason.split('-');
  const article = kind === 'identity' ? 'an' : 'a';
  const because =
    strength === 'explicit'
      ? `with an explicit deny in ${article} ${policyKinds[kind]}`
      : `because no ${policyKinds[kind]} allows the ${action} action`;
  return `User: ${requester} is not authorized to perform: ${action} on resource: ${resource} ${because}`;
}

/** The error with which a service refuses a call. */
export function denialError(service: ServiceName, denial: Denial): ServiceError {
  return new ServiceError(
    codes[service] ?? 'AccessDeniedException',
    messageOf(service, denial),
    badRequests.includes(service) ? 400 : 403,
  );
}

function messageOf(service: ServiceName, denial: Denial): string {
  const { action, resource } = denial;
  // Seen in the services' own answers: S3 quotes the resource, SQS writes its actions small, SNS the service's name in capitals.
  if (service === 's3' && action.startsWith('s3:')) return denialText({ ...denial, resource: `"${resource}"` });
  if (service === 'sqs' && action.startsWith('sqs:')) return denialText({ ...denial, action: action.toLowerCase() });
  if (service === 'sns') return denialText({ ...denial, action: action.replace(/^sns:/, 'SNS:') });
  if (service === 'ec2') return `You are not authorized to perform this operation. ${denialText(denial)}`;
  return denialText(denial);
}
