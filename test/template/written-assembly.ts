/** Writes an assembly by hand, so that a test says exactly what is in the template. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** @param stacks Templates by stack name; later ones depend on earlier ones.
 * @param files Asset files by object key; `code.zip/index.js` is a file in the directory that is uploaded as `code.zip`.
 * @returns the assembly's directory */
export function writeAssembly(stacks: Record<string, object>, files: Record<string, string> = {}): string {
  const directory = mkdtempSync(join(tmpdir(), 'written-assembly-'));
  const write = (name: string, content: unknown): void => {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), typeof content === 'string' ? content : JSON.stringify(content));
  };
  const artifacts: Record<string, object> = {
    // First in the manifest, as CDK does not order it.
    Assets: { type: 'cdk:asset-manifest', properties: { file: 'assets.json' } },
  };
  const names = Object.keys(stacks);
  for (const name of [...names].reverse()) {
    write(`${name}.template.json`, stacks[name]);
    artifacts[name] = {
      type: 'aws:cloudformation:stack',
      environment: 'aws://111122223333/eu-west-1',
      properties: { templateFile: `${name}.template.json` },
      dependencies: names.slice(0, names.indexOf(name)),
    };
  }
  write('manifest.json', { artifacts });
  write('assets.json', {
    files: Object.fromEntries(
      Object.keys(files)
        .map((file) => file.split('/')[0]!)
        .map((key) => [key, { source: { path: `asset.${key}` }, destinations: { one: { objectKey: key } } }]),
    ),
  });
  for (const [key, content] of Object.entries(files)) write(`asset.${key}`, content);
  return directory;
}
