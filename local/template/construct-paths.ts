/** Tells which construct a logical id comes from, also inside nested stacks. */

/** A resource's construct path, without leading slash, beside its logical id. */
export interface ConstructPathEntry {
  readonly path: string;
  readonly logicalId: string;
}

/** The construct paths of one stack. */
export class ConstructPaths {
  private readonly paths = new Map<string, string>();

  /** @param entries Those of the top-level stack, nested stacks' among them.
   * @param scope Path of the nested stack; absent for the top-level one. */
  constructor(
    private readonly entries: readonly ConstructPathEntry[],
    scope?: string,
  ) {
    const below = scope === undefined ? entries : entries.filter(({ path }) => path.startsWith(`${scope}/`));
    const nestedScopes = below.map(({ path }) => nestedScope(path)).filter((nested) => nested !== undefined);
    for (const { path, logicalId } of below) {
      if (!nestedScopes.some((nested) => path.startsWith(`${nested}/`))) this.paths.set(logicalId, path);
    }
  }

  /** @returns the path, or the logical id itself where the assembly does not say */
  of(logicalId: string): string {
    return this.paths.get(logicalId) ?? logicalId;
  }

  /** The paths inside a nested stack, given the logical id of its resource. */
  nested(logicalId: string): ConstructPaths {
    const scope = nestedScope(this.of(logicalId));
    return new ConstructPaths(scope === undefined ? [] : this.entries, scope);
  }
}

/** CDK puts the resource of a nested stack `A/B` at `A/B.NestedStack/B.NestedStackResource`. */
function nestedScope(path: string): string | undefined {
  return /^(.*)\.NestedStack\/[^/]*\.NestedStackResource$/.exec(path)?.[1];
}
