/** The contract between the template and the services: how one CloudFormation resource type becomes a simulated resource. */

/** What is known when a resource is created. All intrinsic functions in its properties are resolved. */
export interface ResourceRequest {
  readonly type: string;
  readonly logicalId: string;
  /** Where the resource comes from in the construct tree, without leading slash: for messages. */
  readonly constructPath?: string;
  readonly stackName: string;
  readonly region: string;
  readonly accountId: string;
  readonly properties: Readonly<Record<string, unknown>>;
  /** A name as CloudFormation would generate it, of at most that many characters: the same for the same template and seed. */
  readonly generateName: (maximumLength: number, options?: { readonly lowerCase?: boolean }) => string;
}

/** What a created resource answers to `Ref` and `Fn::GetAtt`. */
export interface CreatedResource {
  readonly ref: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** Creates the resources of some CloudFormation types, by type name. Unknown properties that change what
 * a workflow would see are refused by name; those that do not (tags, descriptions) are accepted. */
export type ResourceHandlers = Readonly<Record<string, (request: ResourceRequest) => CreatedResource>>;
