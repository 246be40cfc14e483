/** Decides about every call by the policies of the template, and remembers what was asked and what was decided. */
import {
  operator,
  ServiceError,
  UnsupportedError,
  type Interceptor,
  type Principal,
  type ServiceCall,
  type ServiceOutput,
} from '../services/service';
import type { IamModel, SimulatedRole } from '../template/resources/iam';
import type { AccessModel } from './access-model';
import { awsManagedPolicy, isAwsManaged } from './aws-managed-policies';
import { requirements } from './calls';
import type { Permission, ResourceFacts } from './calls/permission';
import { listingToBeTold, objectsToDelete } from './calls/s3';
import { denialError, type Denial } from './denial';
import { decide, selectCandidates, type Candidates, type Decision, type Policies } from './evaluate';
import { compilePolicy, type Statement } from './policy';
import type { Requester } from './policy-principal';
import { createContext, type ContextValue } from './request-context';

/** A request that was decided about, once for each combination of the condition keys that matter. */
export interface DecidedRequest {
  /** Role ARN or service principal. */
  readonly principal: string;
  readonly requester: Requester;
  readonly action: string;
  readonly resource: string;
  readonly decision: Decision;
  /** Values of the condition keys that the statements ask for. */
  readonly keys: Readonly<Record<string, ContextValue>>;
  /** Those that were asked. */
  readonly policies: Policies;
}

/** A policy of AWS, attached to a role of the template. */
export interface Attachment {
  readonly roleArn: string;
  /** Construct path. */
  readonly rolePath: string;
  /** Name of the policy. */
  readonly policy: string;
}

interface EnforcementOptions {
  readonly iam: IamModel;
  readonly model: AccessModel;
  readonly facts: ResourceFacts;
  readonly nowMs: () => number;
  /** False: nothing is denied. */
  readonly isOn: boolean;
}

/** A principal with its policies, and what was decided for it. */
interface KnownPrincipal {
  readonly requester: Requester;
  readonly identity: readonly Statement[];
  readonly boundary: readonly Statement[] | undefined;
  /** By action and resource. */
  readonly entries: Map<string, Entry>;
}

interface Entry {
  readonly candidates: Candidates;
  readonly policies: Policies;
  /** By values of the keys that matter. */
  readonly decisions: Map<string, DecidedRequest>;
}

/** Decides about calls. */
export class Enforcement {
  /** Principals outside of the template, whose policies nobody here knows: their calls are let through. */
  readonly outsiders = new Set<string>();
  private readonly principals = new Map<string, KnownPrincipal>();
  private readonly compiled = new Map<SimulatedRole, readonly Statement[]>();
  private readonly trusts = new Map<SimulatedRole, readonly Statement[]>();

  constructor(private readonly options: EnforcementOptions) {}

  /** Everything that was decided about. */
  get requests(): readonly DecidedRequest[] {
    return [...this.principals.values()].flatMap(({ entries }) =>
      [...entries.values()].flatMap(({ decisions }) => [...decisions.values()]),
    );
  }

  /** All statements of the template: those of its roles, and those of its resources. */
  statements(): readonly Statement[] {
    const { iam, model } = this.options;
    const own = [...iam.roles.values()].flatMap((role) => [...this.identityOf(role), ...this.trustOf(role)]);
    const all = [...own, ...[...model.resourcePolicies.values()].flat(), ...model.logPolicies];
    return [...new Set(all)].filter((statement) => !isAwsManaged(statement));
  }

  /** @returns the policies of AWS that the template attaches to its roles */
  attachments(): readonly Attachment[] {
    const { iam, model } = this.options;
    return [...iam.roles.values()].flatMap((role) => {
      const policies = new Set(
        this.identityOf(role)
          .filter(isAwsManaged)
          .map(({ policy }) => policy),
      );
      const rolePath = model.rolePaths.get(role.arn) ?? role.name;
      return [...policies].map((policy) => ({ roleArn: role.arn, rolePath, policy }));
    });
  }

  /** @returns ARN of the customer's key that encrypts a bucket, queue, topic or table */
  encryptionKeyOf(resourceArn: string): string | undefined {
    return this.options.model.encryptionKeys.get(resourceArn);
  }

  /** Stands around every call. */
  readonly intercept: Interceptor = (call, next) => {
    if (!this.options.isOn || call.principal.id === operator.id) return next(call);
    return this.decideCall(call, next);
  };

  /** Asks for what is no call: what a service does for itself with a role. Denials are remembered. */
  permits(principal: Principal, permissions: readonly Permission[]): boolean {
    if (!this.options.isOn || principal.id === operator.id) return true;
    return permissions.map((permission) => this.request(principal, permission)?.isAllowed !== false).every(Boolean);
  }

  /** Whether a role trusts a service. Of a role outside of the template nobody here knows. */
  mayAssume(service: string, roleArn: string): boolean {
    const isKnown = this.options.iam.roles.has(roleArn);
    return !isKnown || this.permits({ id: service }, [{ action: 'sts:AssumeRole', resource: roleArn }]);
  }

  private async decideCall(
    call: ServiceCall,
    next: (call: ServiceCall) => Promise<ServiceOutput>,
  ): Promise<ServiceOutput> {
    if (call.service === 's3' && call.operation === 'DeleteObjects') return this.deleteObjects(call, next);
    const permissions = this.permissionsOf(call);
    for (const permission of permissions) {
      const denial = this.denialOf(call, permission);
      if (denial !== undefined) throw denial;
    }
    if (call.service !== 's3') return next(call);
    try {
      return await next(call);
    } catch (error) {
      throw this.withoutListing(call, error) ?? error;
    }
  }

  private permissionsOf({ service, operation, input, principal, region }: ServiceCall): readonly Permission[] {
    const requirement = requirements[service]?.[operation];
    const { facts } = this.options;
    if (requirement !== undefined) {
      if (region === undefined || region === facts.region) return requirement(input, facts);
      const keys = { 'aws:requestedregion': region };
      return requirement(input, { ...facts, region }).map((one) => ({ ...one, keys: { ...one.keys, ...keys } }));
    }
    throw new UnsupportedError(
      `Deciding who may call ${service}:${operation}`,
      `a call by ${principal.session ?? principal.id}`,
      'add the IAM actions and resources that the operation needs to local/access/calls',
    );
  }

  /** Objects are decided about one by one: the answer names those that were not deleted. */
  private async deleteObjects(
    call: ServiceCall,
    next: (call: ServiceCall) => Promise<ServiceOutput>,
  ): Promise<ServiceOutput> {
    const permissions = this.permissionsOf(call);
    const denials = permissions.map((permission) => this.denialOf(call, permission));
    if (denials.every((denial) => denial === undefined)) return next(call);
    const objects = objectsToDelete(call.input);
    const allowed = objects.filter((_, index) => denials[index] === undefined);
    const errors = objects.flatMap(({ Key, VersionId }, index) => {
      const denial = denials[index];
      return denial === undefined ? [] : [{ Key, VersionId, Code: denial.code, Message: denial.message }];
    });
    const input = { ...call.input, Delete: { ...(call.input['Delete'] as object), Objects: allowed } };
    const output = allowed.length === 0 ? {} : await next({ ...call, input });
    return { ...output, Errors: [...((output['Errors'] ?? []) as readonly object[]), ...errors] };
  }

  /** Whoever may not list a bucket is told "forbidden" instead of "not found".
   * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html (read 2026-11) */
  private withoutListing(call: ServiceCall, error: unknown): ServiceError | undefined {
    if (!(error instanceof ServiceError) || !['NoSuchKey', 'NotFound', 'NoSuchVersion'].includes(error.code))
      return undefined;
    const permission = listingToBeTold(call.operation, call.input);
    return permission && this.denialOf(call, permission);
  }

  private denialOf({ service, principal }: ServiceCall, permission: Permission): ServiceError | undefined {
    const decision = this.request(principal, permission);
    if (decision === undefined) return undefined;
    if (decision.isAllowed) return this.untrusting(permission);
    const known = this.principals.get(principal.id)!.requester;
    return denialError(service, denialFor(principal, known, permission, decision.reason));
  }

  /** A service that is given a role must be able to act as it. */
  private untrusting({ action, resource, keys }: Permission): ServiceError | undefined {
    const service = keys?.['iam:passedtoservice'];
    if (action !== 'iam:PassRole' || typeof service !== 'string' || this.mayAssume(service, resource)) return undefined;
    return new ServiceError('InvalidParameterValueException', `IAM Role ${resource} cannot be assumed by ${service}`);
  }

  /** @returns undefined for a principal outside of the template */
  private request(principal: Principal, permission: Permission): Decision | undefined {
    const known = this.principals.get(principal.id) ?? this.addPrincipal(principal);
    if (known === undefined) return undefined;
    const { action, resource } = permission;
    const name = `${action} ${resource}`;
    const entry = known.entries.get(name) ?? this.addEntry(known, name, permission);
    const { keys } = entry.candidates;
    if (keys.length === 0) {
      const decided = entry.decisions.get('');
      if (decided !== undefined) return decided.decision;
    }
    const context = createContext(
      action,
      permission.keys,
      (key) => permission.lookUp?.(key) ?? this.commonKey(key, principal, known.requester),
    );
    let signature = '';
    for (const key of keys) signature += `${String(valueOf(context, key))}\n`;
    const decided = entry.decisions.get(signature);
    if (decided !== undefined) return decided.decision;
    const decision = decide(entry.candidates, { requester: known.requester, action, resource, context });
    const values = Object.fromEntries(keys.map((key) => [key, valueOf(context, key)]));
    const { policies } = entry;
    entry.decisions.set(signature, {
      requester: known.requester,
      principal: principal.id,
      action,
      resource,
      decision,
      keys: values,
      policies,
    });
    return decision;
  }

  private addEntry(known: KnownPrincipal, name: string, { action, resource }: Permission): Entry {
    const policies: Policies = {
      identity: known.identity,
      resource: this.policyOf(action, resource),
      resourcePolicy: this.resourceRule(action, resource),
      ...(known.boundary !== undefined && { boundary: known.boundary }),
    };
    const candidates = selectCandidates(policies, { requester: known.requester, action, resource });
    const entry: Entry = { candidates, policies, decisions: new Map() };
    known.entries.set(name, entry);
    return entry;
  }

  private resourceRule(action: string, resource: string): Policies['resourcePolicy'] {
    if (action === 'sts:AssumeRole') return 'trust';
    // Of a key outside of the template nobody here knows the policy: the default one leaves it to the account's policies.
    if (action.startsWith('kms:')) return this.options.model.resourcePolicies.has(resource) ? 'key' : 'enough';
    const account = resource.split(':')[4];
    const isElsewhere = account !== undefined && /^\d{12}$/.test(account) && account !== this.options.facts.accountId;
    return isElsewhere ? 'other-account' : 'enough';
  }

  private policyOf(action: string, resource: string): readonly Statement[] {
    const { model, iam } = this.options;
    if (action === 'sts:AssumeRole') {
      const role = iam.roles.get(resource);
      return role === undefined ? [] : this.trustOf(role);
    }
    if (resource.startsWith('arn:aws:logs:')) return model.logPolicies;
    if (!resource.startsWith('arn:aws:s3:::')) return model.resourcePolicies.get(resource) ?? [];
    const slash = resource.indexOf('/');
    return model.resourcePolicies.get(slash === -1 ? resource : resource.slice(0, slash)) ?? [];
  }

  private addPrincipal(principal: Principal): KnownPrincipal | undefined {
    const { iam, model, facts } = this.options;
    if (principal.id.endsWith('.amazonaws.com')) {
      return this.remember(principal.id, { kind: 'service', name: principal.id }, [], undefined);
    }
    const role = iam.roles.get(principal.id);
    if (role === undefined) {
      this.outsiders.add(principal.id);
      return undefined;
    }
    const sessionArn = `arn:aws:sts::${facts.accountId}:assumed-role/${role.name}/${principal.session ?? 'session'}`;
    const requester: Requester = { kind: 'role', arn: role.arn, sessionArn, accountId: facts.accountId };
    const boundaryArn = model.boundaries.get(role.arn);
    const boundary = boundaryArn === undefined ? undefined : this.managedPolicy(boundaryArn, role);
    const isTrusted = this.checkTrust(role);
    return this.remember(role.arn, requester, isTrusted ? this.identityOf(role) : [], boundary);
  }

  private remember(
    id: string,
    requester: Requester,
    identity: readonly Statement[],
    boundary: readonly Statement[] | undefined,
  ): KnownPrincipal {
    const known: KnownPrincipal = { requester, identity, boundary, entries: new Map() };
    this.principals.set(id, known);
    return known;
  }

  /** A service can act as a role only if the role trusts it: otherwise the role has no session, and so no rights. */
  private checkTrust(role: SimulatedRole): boolean {
    const uses = this.options.model.roleUses.filter(({ role: used }) => used === role.arn || used === role.name);
    return uses
      .map(({ service, sourceArn }) => {
        const principal: Principal = { id: service, ...(sourceArn !== undefined && { sourceArn }) };
        return this.permits(principal, [{ action: 'sts:AssumeRole', resource: role.arn }]);
      })
      .every(Boolean);
  }

  private identityOf(role: SimulatedRole): readonly Statement[] {
    const known = this.compiled.get(role);
    if (known !== undefined) return known;
    const own = role.policies.flatMap(({ document, source }) => compilePolicy(document, source, 'identity'));
    const managed = role.managedPolicyArns.flatMap((arn) => this.managedPolicy(arn, role));
    const statements = [...own, ...managed];
    this.compiled.set(role, statements);
    return statements;
  }

  private trustOf(role: SimulatedRole): readonly Statement[] {
    const known = this.trusts.get(role) ?? compilePolicy(role.trustPolicy, this.nameOfTrust(role), 'resource');
    this.trusts.set(role, known);
    return known;
  }

  private nameOfTrust(role: SimulatedRole): string {
    return `${this.options.model.rolePaths.get(role.arn) ?? role.name}/AssumeRolePolicy`;
  }

  private managedPolicy(arn: string, role: SimulatedRole): readonly Statement[] {
    const own = this.options.iam.managedPolicy(arn);
    if (own !== undefined) return compilePolicy(own.document, own.source, 'identity');
    return awsManagedPolicy(arn) ?? [unknownPolicy(arn, role)];
  }

  /** Keys that every request has. */
  private commonKey(key: string, principal: Principal, requester: Requester): ContextValue {
    const { facts, nowMs } = this.options;
    switch (key) {
      case 'aws:securetransport':
        return String(principal.isInsecure !== true);
      case 'aws:requestedregion':
        return facts.region;
      case 'aws:currenttime':
        return new Date(nowMs()).toISOString();
      case 'aws:epochtime':
        return String(Math.floor(nowMs() / 1000));
      case 'aws:principalisawsservice':
        return String(requester.kind === 'service');
    }
    if (requester.kind === 'service') return serviceKey(key, requester.name, principal, facts);
    return roleKey(key, requester, principal);
  }
}

function serviceKey(key: string, name: string, principal: Principal, facts: ResourceFacts): ContextValue {
  if (key === 'aws:principalservicename') return name;
  if (key === 'aws:sourcearn') return principal.sourceArn;
  return key === 'aws:sourceaccount' ? facts.accountId : undefined;
}

function roleKey(key: string, requester: Extract<Requester, { kind: 'role' }>, principal: Principal): ContextValue {
  if (key === 'aws:principalarn') return requester.arn;
  if (key === 'aws:principalaccount' || key === 'aws:resourceaccount') return requester.accountId;
  if (key === 'aws:principaltype') return 'AssumedRole';
  return key === 'aws:userid' ? `AROASIMULATED0000000:${principal.session ?? 'session'}` : undefined;
}

/** What a key has for a value, for telling requests apart; a key that is not simulated counts when it is decided about. */
function valueOf(context: (key: string) => ContextValue, key: string): ContextValue {
  try {
    return context(key);
  } catch (error) {
    if (error instanceof UnsupportedError) return undefined;
    throw error;
  }
}

function denialFor(
  principal: Principal,
  requester: Requester,
  { action, resource }: Permission,
  reason: Denial['reason'],
): Denial {
  const name =
    requester.kind === 'service'
      ? requester.name
      : requester.sessionArn.replace(/[^/]*$/, principal.session ?? 'session');
  return { requester: name, action, resource, reason };
}

/** What an unknown policy allows can be anything: it is refused as soon as nothing else allows a request. */
function unknownPolicy(arn: string, role: SimulatedRole): Statement {
  const refuse = (): never => {
    throw new UnsupportedError(
      `The managed policy ${arn}`,
      `the role ${role.name}`,
      'add its document to local/access/aws-managed-policies.ts, or grant what is needed by a policy of the template',
    );
  };
  return {
    policy: arn,
    index: 0,
    sid: undefined,
    effect: 'Allow',
    actions: [],
    resources: [],
    principals: undefined,
    keys: [],
    concerns: () => true,
    applies: refuse,
  };
}
