/** What is known about a request besides its action and its resource: the values of condition keys, and which keys can be known here. */
import { UnsupportedError } from '../services/service';

/** Undefined: the request has no such key. A list: a key with several values, such as `aws:TagKeys`. */
export type ContextValue = string | readonly string[] | undefined;

/** Gives the value of a condition key by its name in lower case.
 * @throws UnsupportedError for a key that AWS may know and that is not simulated */
export type RequestContext = (key: string) => ContextValue;

/** Condition keys by their names in lower case. A function is asked when a policy asks. */
export type ContextKeys = Readonly<Record<string, ContextValue | (() => ContextValue)>>;

/** Keys of all services that the simulation decides: where a request does not have one, it is truly absent. */
const globalKeys: readonly RegExp[] = [
  /^aws:(principalarn|principalaccount|principaltype|principalisawsservice|principalservicename|userid|username)$/,
  /^aws:(sourcearn|sourceaccount|securetransport|requestedregion|resourceaccount|calledvia|viaawsservice)$/,
  /^aws:(currenttime|epochtime|tagkeys)$/,
  /^aws:(principaltag|requesttag|resourcetag)\//,
  /^aws:(principalorgid|principalorgpaths|resourceorgid|resourceorgpaths|sourceorgid|sourceorgpaths)$/,
  /^aws:(sourcevpc|sourcevpce|multifactorauthpresent|federatedprovider|sourceidentity)$/,
  /^cognito-identity\.amazonaws\.com:/,
];

/** Keys of one service, by the service in an action's name. Others of the same service are refused. */
const serviceKeys: Readonly<Record<string, readonly RegExp[]>> = {
  autoscaling: [/^autoscaling:resourcetag\//],
  cloudwatch: [/^cloudwatch:namespace$/],
  dynamodb: [/^dynamodb:leadingkeys$/],
  ec2: [
    /^ec2:(createaction|region|launchtemplate|islaunchtemplateresource|instancetype|instanceprofile)$/,
    /^ec2:resourcetag\//,
  ],
  events: [/^events:(source|detail-type)$/],
  iam: [/^iam:(passedtoservice|associatedresourcearn)$/],
  kms: [/^kms:(viaservice|calleraccount|grantisforawsresource)$/, /^kms:encryptioncontext:/],
  s3: [
    /^s3:(prefix|delimiter|max-keys|versionid|authtype|signatureversion|signatureage|tlsversion|if-none-match|if-match)$/,
    /^s3:x-amz-(acl|copy-source|metadata-directive|server-side-encryption|server-side-encryption-aws-kms-key-id|storage-class|content-sha256)$/,
    /^s3:(existingobjecttag|requestobjecttag)\//,
    /^s3:(requestobjecttagkeys|dataaccesspointarn|dataaccesspointaccount|accesspointnetworkorigin|resourceaccount)$/,
  ],
  sns: [/^sns:(protocol|endpoint)$/],
  ssm: [/^ssm:resourcetag\//, /^ssm:(overwrite|policies|recursive)$/],
  states: [/^states:statemachinequalifier$/],
};

/** Puts the keys of a request together.
 * @param action Says which service's keys the request could have.
 * @param lookUp Further keys, asked for when the first ones do not have it. */
export function createContext(
  action: string,
  keys: ContextKeys | undefined,
  lookUp?: (key: string) => ContextValue,
): RequestContext {
  return (key) => {
    const value = keys?.[key];
    if (value !== undefined) return typeof value === 'function' ? value() : value;
    const found = lookUp?.(key);
    if (found !== undefined || canBeDecided(action, key)) return found;
    throw new UnsupportedError(
      `The condition key ${key}`,
      `a policy that decides about ${action}`,
      'leave the condition out of what is simulated, or add the key to local/access/request-context.ts and to the calls that have it',
    );
  };
}

function canBeDecided(action: string, key: string): boolean {
  if (globalKeys.some((pattern) => pattern.test(key))) return true;
  const [service = ''] = action.toLowerCase().split(':');
  const prefix = key.slice(0, key.indexOf(':'));
  // A key of another service is in no request of this one.
  if (prefix !== 'aws' && prefix !== service && !prefix.includes('.')) return true;
  return serviceKeys[service]?.some((pattern) => pattern.test(key)) === true;
}
