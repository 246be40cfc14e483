/** IAM resources: their ARNs, and the documents that say what a role may do. */
import type { CreatedResource, ResourceHandlers, ResourceRequest } from '../resource';

/** A policy document of the template, resolved. */
export interface PolicyDocument {
  /** Construct path of the policy; its name where the template names no construct. */
  readonly source: string;
  readonly document: unknown;
}

/** A role of the template. */
export interface SimulatedRole {
  readonly arn: string;
  readonly name: string;
  readonly trustPolicy: unknown;
  readonly managedPolicyArns: readonly string[];
  readonly policies: PolicyDocument[];
}

/** Roles of all stacks, and their policies. Whoever decides about calls reads them here. */
export class IamModel {
  /** By ARN. */
  readonly roles = new Map<string, SimulatedRole>();
  private readonly instanceProfiles = new Map<string, string>();
  private readonly managedPolicies = new Map<string, PolicyDocument>();

  addRole(role: SimulatedRole): void {
    this.roles.set(role.arn, role);
  }

  /** @param roleName As a policy's `Roles` names it; a role outside of the template is left alone. */
  attachPolicy(roleName: string, policy: PolicyDocument): void {
    for (const role of this.roles.values()) if (role.name === roleName) role.policies.push(policy);
  }

  addInstanceProfile(profile: { readonly arn: string; readonly name: string; readonly roleName: string }): void {
    for (const identifier of [profile.arn, profile.name]) this.instanceProfiles.set(identifier, profile.roleName);
  }

  /** @param profile Name or ARN of an instance profile.
   * @returns the role that an instance with that profile acts as; undefined for a profile outside of the template */
  roleOfInstance(profile: string): SimulatedRole | undefined {
    const roleName = this.instanceProfiles.get(profile);
    return [...this.roles.values()].find((role) => role.name === roleName);
  }

  addManagedPolicy(arn: string, policy: PolicyDocument): void {
    this.managedPolicies.set(arn, policy);
  }

  /** @returns the document of a managed policy of the template; undefined for one of AWS */
  managedPolicy(arn: string): PolicyDocument | undefined {
    return this.managedPolicies.get(arn);
  }
}

/** Handlers for the types of IAM. */
export function iamResources(model: IamModel): ResourceHandlers {
  return {
    'AWS::IAM::Role': (request) => createRole(request, model),
    'AWS::IAM::Policy': (request) => createPolicy(request, model),
    'AWS::IAM::RolePolicy': (request) => createPolicy(request, model),
    'AWS::IAM::ManagedPolicy': (request) => createManagedPolicy(request, model),
    'AWS::IAM::InstanceProfile': (request) => {
      const name = nameOf(request, 'InstanceProfileName', 128);
      const arn = arnOf(request, 'instance-profile', name);
      const [roleName = ''] = (request.properties['Roles'] ?? []) as readonly string[];
      model.addInstanceProfile({ arn, name, roleName });
      return named(name, arn);
    },
    'AWS::IAM::User': (request) => {
      const name = nameOf(request, 'UserName', 64);
      return named(name, arnOf(request, 'user', name));
    },
    'AWS::IAM::Group': (request) => {
      const name = nameOf(request, 'GroupName', 128);
      return named(name, arnOf(request, 'group', name));
    },
    'AWS::IAM::ServiceLinkedRole': (request) => ({
      ref: String(request.properties['AWSServiceName']),
      attributes: { RoleName: String(request.properties['AWSServiceName']) },
    }),
  };
}

function createRole(request: ResourceRequest, model: IamModel): CreatedResource {
  const { properties } = request;
  const name = nameOf(request, 'RoleName', 64);
  const arn = arnOf(request, 'role', name);
  const inline = (properties['Policies'] ?? []) as readonly { PolicyName: string; PolicyDocument: unknown }[];
  model.addRole({
    arn,
    name,
    trustPolicy: properties['AssumeRolePolicyDocument'],
    managedPolicyArns: (properties['ManagedPolicyArns'] ?? []) as readonly string[],
    policies: inline.map(({ PolicyName, PolicyDocument }) => ({
      source: `${request.constructPath ?? name}/${PolicyName}`,
      document: PolicyDocument,
    })),
  });
  return { ref: name, attributes: { Arn: arn, RoleId: `AROA${request.generateName(64).slice(-12)}` } };
}

function createPolicy(request: ResourceRequest, model: IamModel): CreatedResource {
  const { properties } = request;
  const name = nameOf(request, 'PolicyName', 128);
  const single = properties['RoleName'];
  const roles = typeof single === 'string' ? [single] : ((properties['Roles'] ?? []) as readonly string[]);
  const source = request.constructPath ?? name;
  for (const role of roles) model.attachPolicy(role, { source, document: properties['PolicyDocument'] });
  return { ref: name, attributes: { Id: name } };
}

function createManagedPolicy(request: ResourceRequest, model: IamModel): CreatedResource {
  const { properties } = request;
  const name = nameOf(request, 'ManagedPolicyName', 128);
  const arn = arnOf(request, 'policy', name);
  const policy = { source: request.constructPath ?? name, document: properties['PolicyDocument'] };
  model.addManagedPolicy(arn, policy);
  for (const role of (properties['Roles'] ?? []) as readonly string[]) model.attachPolicy(role, policy);
  return { ref: arn, attributes: { PolicyArn: arn } };
}

function nameOf(request: ResourceRequest, property: string, maximumLength: number): string {
  const name = request.properties[property];
  return typeof name === 'string' ? name : request.generateName(maximumLength);
}

function arnOf(request: ResourceRequest, kind: string, name: string): string {
  const path = request.properties['Path'];
  return `arn:aws:iam::${request.accountId}:${kind}${typeof path === 'string' ? path : '/'}${name}`;
}

function named(name: string, arn: string): CreatedResource {
  return { ref: name, attributes: { Arn: arn } };
}
