/** Puts resources of one template in an order in which each comes after those it refers to. */
import { referencesIn } from './intrinsic-functions';
import type { TemplateResource } from './template';

/** @returns the logical ids in creation order: by dependencies, otherwise as the template lists them
 * @throws Error when resources refer to each other in a circle, naming it */
export function inCreationOrder(
  resources: Readonly<Record<string, TemplateResource>>,
  stackName: string,
): readonly string[] {
  const ordered = new Set<string>();
  const visit = (logicalId: string, path: readonly string[]): void => {
    if (ordered.has(logicalId)) return;
    const start = path.indexOf(logicalId);
    if (start >= 0) {
      throw new Error(
        `Resources refer to each other in a circle, at the stack ${stackName}\n  got: ${[...path.slice(start), logicalId].join(' → ')}\n  fix: break the circle; CloudFormation would refuse it too`,
      );
    }
    for (const needed of dependenciesOf(resources[logicalId]!)) {
      if (needed in resources) visit(needed, [...path, logicalId]);
    }
    ordered.add(logicalId);
  };
  for (const logicalId of Object.keys(resources)) visit(logicalId, []);
  return [...ordered];
}

function dependenciesOf(resource: TemplateResource): Iterable<string> {
  const stated = resource.DependsOn ?? [];
  return new Set([...referencesIn(resource.Properties), ...(typeof stated === 'string' ? [stated] : stated)]);
}
