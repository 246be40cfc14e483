/** Folders of synthesized templates, changed as a test needs them, and removed at its end. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A template, as far as tests look into it. */
export interface TemplateJson {
  readonly Resources: Record<
    string,
    { readonly Type: string; readonly Properties?: Record<string, unknown> & { PolicyDocument?: PolicyJson } }
  >;
}

/** A policy document. */
export interface PolicyJson {
  Statement: { Effect?: string; Principal?: unknown; Action: string | string[]; Resource?: unknown }[];
}

const folders: string[] = [];

/** @returns an empty folder for an assembly */
export function createFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'object-workflow-access-'));
  folders.push(folder);
  return folder;
}

/** @param file Name of the template, where there are several.
 * @returns a copy of the assembly whose template was changed */
export function changeTemplate(
  directory: string,
  change: (template: TemplateJson) => void,
  file = readdirSync(directory).find((name) => name.endsWith('.template.json'))!,
): string {
  const folder = createFolder();
  cpSync(directory, folder, { recursive: true });
  const path = join(folder, file);
  const template = JSON.parse(readFileSync(path, 'utf8')) as TemplateJson;
  change(template);
  writeFileSync(path, JSON.stringify(template));
  return folder;
}

/** Removes all folders. */
export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}
