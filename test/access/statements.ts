/** The statements of a template's policies, of roles and of resources, and templates that lack one of them. */
import { createHash } from 'node:crypto';
import type { TemplateJson } from './assemblies';

/** One grant or denial of a template. */
export interface TemplateStatement {
  /** Logical id of the resource that carries it. */
  readonly logicalId: string;
  /** Names and positions from the resource to the statement; empty where the whole resource is one. */
  readonly path: readonly (string | number)[];
  /** As the template has it. */
  readonly text: string;
}

/** Resources that are a statement of somebody else's policy. */
const wholeResources = ['AWS::Lambda::Permission', 'AWS::Events::EventBusPolicy', 'AWS::Logs::ResourcePolicy'];

/** @returns every statement of every policy document, every managed policy of a role, and what is a statement as a whole */
export function statementsOf({ Resources }: TemplateJson): TemplateStatement[] {
  return Object.entries(Resources).flatMap(([logicalId, { Type, Properties = {} }]) =>
    wholeResources.includes(Type)
      ? [{ logicalId, path: [], text: JSON.stringify(Properties) }]
      : find(Properties, []).map((found) => ({ logicalId, ...found })),
  );
}

/** Changes the template.
 * @throws Error when it has no such statement */
export function removeStatement({ Resources }: TemplateJson, { logicalId, path, text }: TemplateStatement): void {
  const place = path
    .slice(0, -1)
    .reduce((part: unknown, name) => (part as Members)[name], Resources[logicalId]?.Properties);
  const found = path.length === 0 ? Resources[logicalId]?.Properties : (place as Members | undefined)?.[path.at(-1)!];
  if (JSON.stringify(found) !== text)
    throw new Error(`The template does not have this statement: ${logicalId} ${text}`);
  if (path.length > 0) return void (place as unknown[]).splice(path.at(-1) as number, 1);
  delete Resources[logicalId];
  for (const resource of Object.values(Resources) as { DependsOn?: string | string[] }[]) {
    if (resource.DependsOn !== undefined)
      resource.DependsOn = [resource.DependsOn].flat().filter((id) => id !== logicalId);
  }
}

/** The same for templates that grant the same. */
export function fingerprint(template: TemplateJson): string {
  return createHash('sha256')
    .update(JSON.stringify(statementsOf(template)))
    .digest('hex')
    .slice(0, 12);
}

type Members = Readonly<Record<string | number, unknown>>;

function find(value: unknown, path: readonly (string | number)[]): Omit<TemplateStatement, 'logicalId'>[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, part]: [string, unknown]) => {
    const place = [...path, Array.isArray(value) ? Number(name) : name];
    const isList = (name === 'Statement' || name === 'ManagedPolicyArns') && Array.isArray(part);
    if (!isList) return find(part, place);
    return part.map((statement, index) => ({ path: [...place, index], text: JSON.stringify(statement) }));
  });
}
