/** Reads the schemas that AWS's SDK clients export: what travels in which member of a request or a response. */

/** A schema as the SDK writes it: a sentinel number, `'unit'`, a tuple that starts with its kind, or a function that gives one. */
export type Schema = number | string | readonly unknown[] | (() => Schema);

export type TimestampFormat = 'date-time' | 'http-date' | 'epoch-seconds';

/** A shape of a service's model. Members and items are looked up when first asked for, because shapes may contain themselves. */
export type Shape =
  | { readonly kind: 'string' | 'number' | 'boolean' | 'blob' | 'document' | 'unit' }
  | { readonly kind: 'timestamp'; readonly format: TimestampFormat | undefined }
  | { readonly kind: 'list'; readonly item: Member }
  | { readonly kind: 'map'; readonly key: Member; readonly value: Member }
  | StructureShape;

export interface StructureShape {
  readonly kind: 'structure';
  readonly name: string;
  readonly traits: Traits;
  readonly members: readonly Member[];
  readonly membersByName: ReadonlyMap<string, Member>;
}

export interface Member {
  readonly name: string;
  /** Place among the members of its structure; 0 in a list or map. */
  readonly index: number;
  readonly shape: Shape;
  readonly traits: Traits;
  readonly isRequired: boolean;
}

/** The Smithy traits that decide where and under which name something travels. */
export interface Traits {
  readonly httpLabel?: number;
  readonly httpPayload?: number;
  readonly httpResponseCode?: number;
  readonly httpQueryParams?: number;
  readonly httpQuery?: string;
  readonly httpHeader?: string;
  readonly httpPrefixHeaders?: string;
  readonly http?: readonly [method: string, path: string, statusCode: number];
  readonly jsonName?: string;
  readonly xmlName?: string;
  readonly xmlFlattened?: number;
  readonly xmlAttribute?: number;
  readonly xmlNamespace?: readonly [prefix: string, uri: string];
  readonly ec2QueryName?: string;
  readonly httpError?: number;
  readonly streaming?: number;
  readonly idempotencyToken?: number;
  /** Ours: members beside those of the model travel as they are. */
  readonly open?: number;
}

export interface Operation {
  readonly name: string;
  readonly traits: Traits;
  readonly input: StructureShape;
  readonly output: StructureShape;
}

/** The order of the bits in which the SDK packs traits without a value. */
const packedTraits = [
  'httpLabel',
  'idempotent',
  'idempotencyToken',
  'sensitive',
  'httpPayload',
  'httpResponseCode',
  'httpQueryParams',
];

const simpleShapes = new Map<number, Shape>([
  [0, { kind: 'string' }],
  [1, { kind: 'number' }],
  [2, { kind: 'boolean' }],
  [4, { kind: 'timestamp', format: undefined }],
  [5, { kind: 'timestamp', format: 'date-time' }],
  [6, { kind: 'timestamp', format: 'http-date' }],
  [7, { kind: 'timestamp', format: 'epoch-seconds' }],
  [15, { kind: 'document' }],
  [17, { kind: 'number' }],
  [19, { kind: 'number' }],
  [21, { kind: 'blob' }],
  [42, { kind: 'blob' }],
]);

const shapes = new WeakMap<object, Shape>();
const emptyStructure: StructureShape = {
  kind: 'structure',
  name: 'Unit',
  traits: {},
  members: [],
  membersByName: new Map(),
};

/** Reads an operation's schema.
 * @returns undefined when the value is something else */
export function readOperation(schema: unknown): Operation | undefined {
  if (!Array.isArray(schema) || schema[0] !== 9) return undefined;
  return new LazyOperation(schema);
}

/** Reads the schema of a modelled error.
 * @returns undefined when the value is something else */
export function readError(schema: unknown): StructureShape | undefined {
  if (!Array.isArray(schema) || schema[0] !== -3) return undefined;
  return readShape(schema as Schema) as StructureShape;
}

/** Reads any schema as a shape; the same schema gives the same shape. */
export function readShape(reference: Schema): Shape {
  let schema = reference;
  while (typeof schema === 'function') schema = schema();
  if (schema === 'unit') return emptyStructure;
  if (typeof schema === 'number') return readSimple(schema);
  if (typeof schema === 'string') throw new Error(`Unknown schema ${schema}`);
  let shape = shapes.get(schema);
  if (shape === undefined) {
    shape = readCompound(schema);
    shapes.set(schema, shape);
  }
  return shape;
}

function readSimple(schema: number): Shape {
  const simple = simpleShapes.get(schema);
  if (simple !== undefined) return simple;
  // A bit marks a list (64) or a map (128) of a simple shape.
  if ((schema & 128) !== 0) return { kind: 'map', key: readMember('key', 0), value: readMember('value', schema & 63) };
  if ((schema & 64) !== 0) return { kind: 'list', item: readMember('member', schema & 63) };
  throw new Error(`Unknown schema ${schema}`);
}

function readCompound(schema: readonly unknown[]): Shape {
  switch (schema[0]) {
    case 0:
      return readShape(schema[4] as Schema);
    case 1:
      return { kind: 'list', item: readMember('member', schema[4] as Schema) };
    case 2:
      return {
        kind: 'map',
        key: readMember('key', schema[4] as Schema),
        value: readMember('value', schema[5] as Schema),
      };
    default:
      return new LazyStructure(schema);
  }
}

/** A member's schema is wrapped in a pair with the traits of the member, when it has any. */
function readMember(name: string, reference: Schema, index = 0, isRequired = false): Member {
  let target = reference;
  let memberTraits: Traits = {};
  while (isWrapped(target)) {
    memberTraits = { ...readTraits(target[1]), ...memberTraits };
    target = target[0];
  }
  return new LazyMember(name, index, isRequired, target, memberTraits);
}

// What is read on demand has classes: getters of object literals would give each object a hidden class of its own, and
// every value that is sent or copied is looked up here.

class LazyOperation implements Operation {
  readonly name: string;
  readonly traits: Traits;
  private readInput: StructureShape | undefined;
  private readOutput: StructureShape | undefined;

  constructor(private readonly schema: readonly unknown[]) {
    this.name = schema[2] as string;
    this.traits = readTraits(schema[3]);
  }

  get input(): StructureShape {
    return (this.readInput ??= structureOf(this.schema[4] as Schema));
  }

  get output(): StructureShape {
    return (this.readOutput ??= structureOf(this.schema[5] as Schema));
  }
}

class LazyStructure implements StructureShape {
  readonly kind = 'structure';
  readonly name: string;
  readonly traits: Traits;
  private readMembers: readonly Member[] | undefined;
  private byName: ReadonlyMap<string, Member> | undefined;

  constructor(private readonly schema: readonly unknown[]) {
    this.name = schema[2] as string;
    this.traits = readTraits(schema[3]);
  }

  get members(): readonly Member[] {
    return (this.readMembers ??= this.listMembers());
  }

  get membersByName(): ReadonlyMap<string, Member> {
    return (this.byName ??= new Map(this.members.map((member) => [member.name, member])));
  }

  private listMembers(): readonly Member[] {
    const names = this.schema[4] as readonly string[];
    const references = this.schema[5] as readonly Schema[];
    const requiredCount = (this.schema[6] as number | undefined) ?? 0;
    return names.map((name, index) => readMember(name, references[index]!, index, index < requiredCount));
  }
}

class LazyMember implements Member {
  private readTarget: Shape | undefined;
  private allTraits: Traits | undefined;

  constructor(
    readonly name: string,
    readonly index: number,
    readonly isRequired: boolean,
    private readonly target: Schema,
    private readonly ownTraits: Traits,
  ) {}

  get shape(): Shape {
    return (this.readTarget ??= readShape(this.target));
  }

  get traits(): Traits {
    return (this.allTraits ??= { ...targetTraits(this.target), ...this.ownTraits });
  }
}

function structureOf(reference: Schema): StructureShape {
  const shape = readShape(reference);
  return shape.kind === 'structure' ? shape : emptyStructure;
}

function isWrapped(schema: Schema): schema is readonly [Schema, unknown] {
  return Array.isArray(schema) && schema.length === 2;
}

/** The traits that the named shape itself brings. */
function targetTraits(reference: Schema): Traits {
  let schema = reference;
  while (typeof schema === 'function') schema = schema();
  const traits = Array.isArray(schema) ? readTraits(schema[3]) : {};
  return schema === 42 ? { ...traits, streaming: 1 } : traits;
}

function readTraits(traits: unknown): Traits {
  if (typeof traits === 'object' && traits !== null) return traits;
  const bits = Number(traits ?? 0);
  return Object.fromEntries(packedTraits.filter((_, index) => (bits >> index) & 1).map((name) => [name, 1]));
}
