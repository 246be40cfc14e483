/** The templates of an app for the emulator and for the services that stand beside it: the same resources under the same names. */
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A CloudFormation resource. */
export interface TemplateResource {
  Type: string;
  Properties?: Record<string, unknown>;
  readonly [attribute: string]: unknown;
}

/** A CloudFormation template, as far as it is read here. */
export interface Template {
  readonly Parameters?: Readonly<Record<string, { readonly Type: string; readonly Default?: string }>>;
  Resources: Record<string, TemplateResource>;
}

/** What both sides must call alike, and the property that says so. */
const names: Readonly<Record<string, string>> = {
  'AWS::S3::Bucket': 'BucketName',
  'AWS::Lambda::Function': 'FunctionName',
  'AWS::AutoScaling::AutoScalingGroup': 'AutoScalingGroupName',
  'AWS::SSM::Document': 'Name',
};

/** Services that the emulator lacks or only pretends: the simulator stands in, over the wire. */
const standInServices = ['SSM', 'EC2', 'AUTO_SCALING', 'BACKUP'];

/** Takes the place of a resource that is left out: it does nothing, and can be depended on. */
const nothing: TemplateResource = { Type: 'AWS::CloudFormation::WaitConditionHandle' };

/** Copies an assembly and gives names to what both sides share. */
export function copyAssembly(from: string, to: string): void {
  cpSync(from, to, { recursive: true });
  changeTemplates(to, (template) => {
    for (const [logicalId, resource] of Object.entries(template.Resources)) {
      const property = names[resource.Type];
      if (property !== undefined) resource.Properties = { ...resource.Properties, [property]: nameOf(logicalId) };
      if (resource.Type === 'AWS::AutoScaling::AutoScalingGroup') startOne(resource);
    }
  });
}

/** Neither side sees the other's metrics, which would wake a fleet that sleeps. */
function startOne(group: TemplateResource): void {
  group.Properties = { ...group.Properties, MinSize: '1', DesiredCapacity: '1' };
}

/** The name of a shared resource. */
export function nameOf(logicalId: string): string {
  return `e2e-${logicalId.toLowerCase()}`.slice(0, 63);
}

/** Points the functions to the services that stand beside the emulator. */
export function useStandIns(assembly: string, endpoint: string): void {
  const variables = Object.fromEntries(standInServices.map((name) => [`AWS_ENDPOINT_URL_${name}`, endpoint]));
  changeTemplates(assembly, (template) => {
    for (const resource of Object.values(template.Resources)) {
      if (resource.Type !== 'AWS::Lambda::Function') continue;
      const environment = resource.Properties!['Environment'] as { readonly Variables?: object } | undefined;
      resource.Properties!['Environment'] = { Variables: { ...environment?.Variables, ...variables } };
    }
  });
}

/** Leaves out all resources of a type; what refers to them gets their name.
 * @returns their logical ids */
export function leaveOut(assembly: string, type: string): string[] {
  const left: string[] = [];
  changeTemplates(assembly, (template) => {
    for (const [logicalId, resource] of Object.entries(template.Resources)) {
      if (resource.Type !== type) continue;
      left.push(logicalId);
      template.Resources[logicalId] = nothing;
    }
    template.Resources = JSON.parse(JSON.stringify(template.Resources), (_, value: unknown) => {
      const { Ref: logicalId } = (value ?? {}) as { readonly Ref?: string };
      return logicalId !== undefined && left.includes(logicalId) ? nameOf(logicalId) : value;
    }) as Template['Resources'];
  });
  return left;
}

/** Attributes that the emulator lacks, and what they are. A pool's address is what its tokens name as their issuer.
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html (read 2026-11) */
const describedAttributes: Readonly<Record<string, (logicalId: string) => string>> = {
  'AWS::Cognito::UserPool.ProviderURL': (logicalId) =>
    `https://cognito-idp.\${AWS::Region}.amazonaws.com/\${${logicalId}}`,
};

/** Writes out what an attribute of a resource type is, wherever a template asks for it.
 * @returns logical ids of the resources whose attribute it is; none if it is not known how to write it */
export function writeOut(assembly: string, type: string, attribute: string): string[] {
  const describe = describedAttributes[`${type}.${attribute}`];
  const written = new Set<string>();
  if (describe === undefined) return [];
  changeTemplates(assembly, (template) => {
    template.Resources = JSON.parse(JSON.stringify(template.Resources), (_, value: unknown) => {
      const { 'Fn::GetAtt': [logicalId, asked] = [] } = (value ?? {}) as { readonly 'Fn::GetAtt'?: readonly string[] };
      if (logicalId === undefined || asked !== attribute || template.Resources[logicalId]?.Type !== type) return value;
      written.add(logicalId);
      return { 'Fn::Sub': describe(logicalId) };
    }) as Template['Resources'];
  });
  return [...written];
}

/** All templates of an assembly, by stack file. */
export function readTemplates(assembly: string): Readonly<Record<string, Template>> {
  const files = readdirSync(assembly).filter((file) => file.endsWith('.template.json'));
  return Object.fromEntries(
    files.map((file) => [file, JSON.parse(readFileSync(join(assembly, file), 'utf8')) as Template]),
  );
}

/** Changes all templates of an assembly. */
export function changeTemplates(assembly: string, change: (template: Template) => void): void {
  for (const [file, template] of Object.entries(readTemplates(assembly))) {
    change(template);
    writeFileSync(join(assembly, file), JSON.stringify(template));
  }
}
