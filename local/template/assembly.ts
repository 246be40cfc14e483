/** Reads what `cdk synth` wrote: stacks in deployment order, their templates, assets and construct paths. It never imports the CDK. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ConstructPaths } from './construct-paths';
import type { Template } from './template';

/** Anything that `simulate` can read: a CDK app, a stage or a stack, a synthesized assembly, or the path of its directory. */
export type AssemblySource = string | SynthesizedAssembly | Synthesizable | SynthesizableTree;

interface SynthesizedAssembly {
  readonly directory: string;
}

interface Synthesizable {
  readonly synth: () => unknown;
}

/** A construct below an app: the app is found through its tree. */
interface SynthesizableTree {
  readonly node: { readonly root: unknown };
}

/** One stack as synthesized. */
export interface StackArtifact {
  /** Name in CloudFormation. */
  readonly stackName: string;
  readonly template: Template;
  /** Environment of the stack, undefined where it depends on who deploys. */
  readonly region: string | undefined;
  readonly accountId: string | undefined;
  readonly constructPaths: ConstructPaths;
}

/** A synthesized assembly. */
export interface Assembly {
  /** Each stack after those it depends on. */
  readonly stacks: readonly StackArtifact[];
  readonly assets: Assets;
}

/** Files and directories that would have been uploaded before the deployment. */
export class Assets {
  private readonly paths = new Map<string, string>();

  add(objectKey: string, path: string): void {
    this.paths.set(objectKey, path);
  }

  /** @returns the local path of the asset that is uploaded under that key, or undefined when there is none */
  find(objectKey: string): string | undefined {
    return this.paths.get(objectKey);
  }
}

/** Reads an assembly; synthesizes it first where that is needed.
 * Of a stack only that stack and those it depends on are taken. */
export function readAssembly(source: AssemblySource): Assembly {
  const directory = directoryOf(source);
  if (!existsSync(join(directory, 'manifest.json'))) {
    throw new Error(
      `There is no synthesized CDK assembly, at simulate\n  got: ${directory}\n  allowed: an App, a Stack, or a directory with a manifest.json\n  fix: run "cdk synth" and pass its output directory, usually cdk.out`,
    );
  }
  const assets = new Assets();
  const stacks = readDirectory(directory, assets);
  const wanted = typeof source === 'object' && isStack(source) ? withDependencies(stacks, source.artifactId) : stacks;
  return { stacks: wanted.map(({ stack }) => stack), assets };
}

function directoryOf(source: AssemblySource): string {
  if (typeof source === 'string') return resolve(source);
  if (isAssembly(source)) return source.directory;
  const synthesizable = isSynthesizable(source) ? source : source.node.root;
  if (isSynthesizable(synthesizable)) {
    const assembly = synthesizable.synth();
    if (isAssembly(assembly)) return assembly.directory;
  }
  throw new Error(
    'This cannot be synthesized, at simulate\n  allowed: an App, a Stage, a Stack, a synthesized assembly, or the path of a cdk.out directory\n  fix: pass the app',
  );
}

function isAssembly(value: unknown): value is SynthesizedAssembly {
  return typeof (value as SynthesizedAssembly | null)?.directory === 'string';
}

function isSynthesizable(value: unknown): value is Synthesizable {
  return typeof (value as Synthesizable | null)?.synth === 'function';
}

/** An app and a stage have an artifact id as well, but no stack name. */
function isStack(value: object): value is { readonly artifactId: string } {
  const { artifactId, stackName } = value as { artifactId?: unknown; stackName?: unknown };
  return typeof artifactId === 'string' && typeof stackName === 'string';
}

interface Manifest {
  readonly artifacts?: Readonly<Record<string, Artifact>>;
}

interface Artifact {
  readonly type: string;
  readonly environment?: string;
  readonly properties?: Readonly<Record<string, string>>;
  readonly dependencies?: readonly string[];
  readonly metadata?: ArtifactMetadata;
  readonly additionalMetadataFile?: string;
}

type ArtifactMetadata = Readonly<Record<string, readonly { readonly type: string; readonly data?: unknown }[]>>;

interface OrderedStack {
  readonly artifactId: string;
  readonly dependencies: readonly string[];
  readonly stack: StackArtifact;
}

function readDirectory(directory: string, assets: Assets): OrderedStack[] {
  const manifest = readJson<Manifest>(join(directory, 'manifest.json'));
  const artifacts = Object.entries(manifest.artifacts ?? {});
  const stacks = new Map<string, OrderedStack>();
  const nested: OrderedStack[] = [];
  for (const [artifactId, artifact] of artifacts) {
    if (artifact.type === 'aws:cloudformation:stack') {
      stacks.set(artifactId, {
        artifactId,
        dependencies: artifact.dependencies ?? [],
        stack: readStack(directory, artifactId, artifact),
      });
    } else if (artifact.type === 'cdk:asset-manifest') {
      readAssets(directory, artifact.properties?.['file'] ?? '', assets);
    } else if (artifact.type === 'cdk:cloud-assembly') {
      nested.push(...readDirectory(join(directory, artifact.properties?.['directoryName'] ?? ''), assets));
    }
  }
  return [...nested, ...inDependencyOrder(stacks)];
}

function readStack(directory: string, artifactId: string, artifact: Artifact): StackArtifact {
  const properties = artifact.properties ?? {};
  const [, accountId, region] = /^aws:\/\/([^/]*)\/(.*)$/.exec(artifact.environment ?? '') ?? [];
  const metadata = {
    ...artifact.metadata,
    ...(artifact.additionalMetadataFile === undefined
      ? {}
      : readJson<ArtifactMetadata>(join(directory, artifact.additionalMetadataFile))),
  };
  return {
    stackName: properties['stackName'] ?? artifactId,
    template: readJson<Template>(join(directory, properties['templateFile'] ?? `${artifactId}.template.json`)),
    region: region?.startsWith('unknown') ? undefined : region,
    accountId: accountId?.startsWith('unknown') ? undefined : accountId,
    constructPaths: new ConstructPaths(
      Object.entries(metadata).flatMap(([path, entries]) =>
        entries
          .filter((entry) => entry.type === 'aws:cdk:logicalId' && typeof entry.data === 'string')
          .map((entry) => ({ path: path.replace(/^\//, ''), logicalId: entry.data as string })),
      ),
    ),
  };
}

interface AssetManifest {
  readonly files?: Readonly<Record<string, FileAsset>>;
}

interface FileAsset {
  readonly source: { readonly path?: string };
  readonly destinations: Readonly<Record<string, { readonly objectKey: string }>>;
}

function readAssets(directory: string, file: string, assets: Assets): void {
  const manifest = readJson<AssetManifest>(join(directory, file));
  for (const asset of Object.values(manifest.files ?? {})) {
    if (asset.source.path === undefined) continue;
    for (const destination of Object.values(asset.destinations)) {
      // Absolute where the app turned the staging of assets off.
      assets.add(destination.objectKey, resolve(directory, asset.source.path));
    }
  }
}

/** The manifest's order is by name. CDK has already refused cycles between stacks. */
function inDependencyOrder(stacks: ReadonlyMap<string, OrderedStack>): OrderedStack[] {
  const ordered = new Set<OrderedStack>();
  const visit = (stack: OrderedStack): void => {
    for (const dependency of stack.dependencies) {
      const needed = stacks.get(dependency);
      if (needed !== undefined && !ordered.has(needed)) visit(needed);
    }
    ordered.add(stack);
  };
  for (const stack of stacks.values()) visit(stack);
  return [...ordered];
}

function withDependencies(stacks: readonly OrderedStack[], artifactId: string): OrderedStack[] {
  const wanted = new Set([artifactId]);
  // Each stack stands after those it depends on, so one pass from the end finds them all.
  for (const stack of [...stacks].reverse()) {
    if (wanted.has(stack.artifactId)) for (const dependency of stack.dependencies) wanted.add(dependency);
  }
  return stacks.filter((stack) => wanted.has(stack.artifactId));
}

/** What was read last: thousands of simulations may begin from one assembly. Nobody changes what was read. */
const readFiles = new Map<
  string,
  { readonly changedAtMs: number; readonly sizeBytes: number; readonly content: unknown }
>();
const keptFileCount = 20;

/** Reads a JSON file of the assembly. */
export function readJson<Content>(path: string): Content {
  const { mtimeMs: changedAtMs, size: sizeBytes } = statSync(path);
  const known = readFiles.get(path);
  if (known?.changedAtMs === changedAtMs && known.sizeBytes === sizeBytes) return known.content as Content;
  const content = JSON.parse(readFileSync(path, 'utf8')) as Content;
  if (readFiles.size >= keptFileCount) readFiles.clear();
  readFiles.set(path, { changedAtMs, sizeBytes, content });
  return content;
}
