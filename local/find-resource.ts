/** Finds a deployed resource by the name that a person gives it: logical id, construct path or physical name. */
import type { DeployedResource } from './template/deployment';

/** @param identifier Undefined: the only resource of those types.
 * @param types CloudFormation types that are meant.
 * @throws Error when none or more than one fits, with those there are
 * @example findResource(resources, 'Inbox', ['AWS::S3::Bucket']) // the one bucket inside the construct Inbox */
export function findResource(
  resources: readonly DeployedResource[],
  identifier: string | undefined,
  types: readonly string[],
): DeployedResource {
  const candidates = resources.filter((resource) => types.includes(resource.type) && resource.physicalId !== undefined);
  const found = identifier === undefined ? candidates : bestMatches(candidates, identifier);
  if (found.length === 1) return found[0]!;
  const what = types.map((type) => type.split('::').at(-1)).join(' or ');
  const listed = (found.length > 1 ? found : candidates)
    .map((resource) => `${resource.constructPath} (${resource.logicalId})`)
    .join(', ');
  throw new Error(
    `${found.length === 0 ? `There is no such ${what}` : `More than one ${what} fits`}, at the simulation\n  got: ${identifier ?? 'no name'}\n  allowed: ${listed === '' ? `none: the template has no ${what}` : listed}\n  fix: pass a logical id, a construct path or a physical name`,
  );
}

/** The narrowest kind of match that finds anything wins. */
function bestMatches(candidates: readonly DeployedResource[], identifier: string): readonly DeployedResource[] {
  const wanted = identifier.replace(/^\//, '');
  const kinds: readonly ((resource: DeployedResource) => boolean)[] = [
    (resource) => resource.physicalId === wanted || resource.physicalId?.split(/[:/]/).at(-1) === wanted,
    (resource) => resource.logicalId === wanted,
    (resource) => samePath(resource, wanted),
    (resource) => resource.constructPath.startsWith(`${wanted}/`) || belowStack(resource).startsWith(`${wanted}/`),
  ];
  for (const matches of kinds) {
    const found = candidates.filter(matches);
    if (found.length > 0) return found;
  }
  return [];
}

/** CDK puts the CloudFormation resource of a construct at its child `Resource`. */
function samePath(resource: DeployedResource, wanted: string): boolean {
  return [resource.constructPath, belowStack(resource)].some(
    (path) => path === wanted || path === `${wanted}/Resource`,
  );
}

function belowStack(resource: DeployedResource): string {
  return resource.constructPath.slice(resource.constructPath.indexOf('/') + 1);
}
