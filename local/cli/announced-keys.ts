/** Which keys start a workflow: read from the rules of the synthesized template, so that files can be uploaded where they are expected. */
import { readAssembly } from '../template/assembly';

/** A rule for new objects. */
export interface AnnouncedKeys {
  /** Logical id of the bucket, or its name where the template knows it. */
  readonly bucket: string;
  /** What the keys begin with; empty for any. */
  readonly prefix: string;
  /** The keys in words: `incoming/*.csv`. */
  readonly pattern: string;
}

interface RulePattern {
  readonly source?: readonly unknown[];
  readonly detail?: {
    readonly bucket?: { readonly name?: readonly (string | { readonly Ref?: string })[] };
    readonly object?: { readonly key?: readonly (string | Readonly<Record<string, unknown>>)[] };
  };
}

/** The first rule of an assembly that announces new objects of a bucket; undefined when there is none. */
export function findAnnouncedKeys(assemblyDirectory: string): AnnouncedKeys | undefined {
  for (const { template } of readAssembly(assemblyDirectory).stacks) {
    for (const { Type, Properties } of Object.values(template.Resources ?? {})) {
      if (Type !== 'AWS::Events::Rule') continue;
      const pattern = (Properties?.['EventPattern'] ?? {}) as RulePattern;
      const [name] = pattern.detail?.bucket?.name ?? [];
      const bucket = typeof name === 'string' ? name : name?.Ref;
      if (pattern.source?.includes('aws.s3') === true && bucket !== undefined) {
        return { bucket, ...describeKey(pattern.detail?.object?.key?.[0]) };
      }
    }
  }
  return undefined;
}

function describeKey(matcher: string | Readonly<Record<string, unknown>> | undefined): {
  prefix: string;
  pattern: string;
} {
  if (typeof matcher === 'string') return { prefix: matcher.replace(/[^/]*$/, ''), pattern: matcher };
  const { prefix, suffix, wildcard } = (matcher ?? {}) as Readonly<Record<string, string | undefined>>;
  if (wildcard !== undefined)
    return { prefix: unescape(wildcard.split(/(?<!\\)\*/)[0] ?? ''), pattern: unescape(wildcard) };
  return { prefix: prefix ?? '', pattern: `${prefix ?? ''}*${suffix ?? ''}` };
}

/** In a wildcard a backslash takes its meaning from the character behind it. */
function unescape(wildcard: string): string {
  return wildcard.replace(/\\([\\*])/g, '$1');
}
