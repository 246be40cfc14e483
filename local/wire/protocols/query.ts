/** Form fields of the query protocols: EC2's, and that of SNS, STS and Auto Scaling. */
import { scalarFromText } from '../scalar';
import type { Member, Shape, StructureShape } from '../shape';

/** Fields of a form as a tree: `Filter.1.Value.2=x` is `{ Filter: { 1: { Value: { 2: 'x' } } } }`. */
type FieldTree = { text?: string; readonly fields: Map<string, FieldTree> };

/** Reads a form body.
 * @param dialect EC2 capitalises names and never nests lists; the others use `member` and `entry`. */
export function decodeForm(
  shape: StructureShape,
  form: URLSearchParams,
  dialect: 'ec2' | 'query',
): Record<string, unknown> {
  const root: FieldTree = { fields: new Map() };
  for (const [path, text] of form) {
    let tree = root;
    for (const name of path.split('.')) {
      let next = tree.fields.get(name);
      if (next === undefined) {
        next = { fields: new Map() };
        tree.fields.set(name, next);
      }
      tree = next;
    }
    tree.text = text;
  }
  return decodeStructure(shape, root, dialect);
}

function decodeStructure(shape: StructureShape, tree: FieldTree, dialect: 'ec2' | 'query'): Record<string, unknown> {
  const decoded: Record<string, unknown> = {};
  for (const member of shape.members) {
    const found = tree.fields.get(fieldName(member, dialect));
    if (found !== undefined) decoded[member.name] = decodeTree(member, member.shape, found, dialect);
  }
  return decoded;
}

function decodeTree(member: Member, shape: Shape, tree: FieldTree, dialect: 'ec2' | 'query'): unknown {
  const isFlat = dialect === 'ec2' || member.traits.xmlFlattened === 1;
  switch (shape.kind) {
    case 'structure':
      return decodeStructure(shape, tree, dialect);
    case 'list': {
      const items = isFlat ? tree : tree.fields.get(shape.item.traits.xmlName ?? 'member');
      return inOrder(items).map((item) => decodeTree(shape.item, shape.item.shape, item, dialect));
    }
    case 'map': {
      const entries = inOrder(isFlat ? tree : tree.fields.get('entry'));
      return Object.fromEntries(
        entries.map((entry) => [
          entry.fields.get(shape.key.traits.xmlName ?? 'key')?.text ?? '',
          decodeTree(
            shape.value,
            shape.value.shape,
            entry.fields.get(shape.value.traits.xmlName ?? 'value') ?? { fields: new Map() },
            dialect,
          ),
        ]),
      );
    }
    default:
      return scalarFromText(shape, tree.text ?? '', 'date-time');
  }
}

function fieldName(member: Member, dialect: 'ec2' | 'query'): string {
  const name = member.traits.xmlName ?? member.name;
  if (dialect === 'query') return name;
  return member.traits.ec2QueryName ?? name.charAt(0).toUpperCase() + name.slice(1);
}

function inOrder(tree: FieldTree | undefined): readonly FieldTree[] {
  return [...(tree?.fields ?? [])]
    .filter(([name]) => /^\d+$/.test(name))
    .sort(([left], [right]) => Number(left) - Number(right))
    .map(([, item]) => item);
}
