/** Loaded before a test file by `npm run permissions`: keeps the assemblies whose permissions are judged there, or takes one statement
 * out of what is synthesized. What to do is in the environment, which the command sets. */
import '../fast-synthesis';
import { appendFileSync, cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stage, type StageSynthesisOptions } from 'aws-cdk-lib';
import type { Simulation } from '../../local';
import type { TemplateJson } from './assemblies';
import { PermissionJudge } from './permission-judge';
import { fingerprint, removeStatement, statementsOf, type TemplateStatement } from './statements';

/** What the command tells a test file. */
export type HookOrder =
  /** Copies what is judged into the folder, each assembly in a folder of its own. */
  | { readonly keepIn: string }
  /** Takes the statement out of the template with the fingerprint, and says so by a line in the file. */
  | { readonly from: string; readonly remove: TemplateStatement; readonly reportTo: string };

const order = JSON.parse(process.env['PERMISSIONS_ORDER']!) as HookOrder;
const synthesized = new Map<string, string>();
const kept = new Set<string>();

const synth = Object.getOwnPropertyDescriptor(Stage.prototype, 'synth')!.value as typeof Stage.prototype.synth;
Stage.prototype.synth = function (this: Stage, options?: StageSynthesisOptions) {
  const assembly = synth.call(this, options);
  for (const file of templatesBelow(assembly.directory)) handle(file, assembly.directory);
  return assembly;
};

if ('keepIn' in order) {
  const add = Object.getOwnPropertyDescriptor(PermissionJudge.prototype, 'add')!.value as (
    simulation: Simulation,
  ) => void;
  PermissionJudge.prototype.add = function (this: PermissionJudge, simulation: Simulation): void {
    add.call(this, simulation);
    keepAssemblyOf(simulation, order.keepIn);
  };
}

function handle(file: string, directory: string): void {
  const template = JSON.parse(readFileSync(file, 'utf8')) as TemplateJson;
  const name = fingerprint(template);
  if ('keepIn' in order) return void synthesized.set(`${name} ${directory}`, directory);
  if (name !== order.from) return;
  removeStatement(template, order.remove);
  writeFileSync(file, JSON.stringify(template));
  appendFileSync(order.reportTo, `${file}\n`);
}

/** The assembly of a simulation is the newest one whose policies all exist there. */
function keepAssemblyOf({ resources }: Simulation, folder: string): void {
  const deployed = new Set(resources.map(({ logicalId }) => logicalId));
  const fits = (directory: string): boolean => {
    const carriers = templatesBelow(directory).flatMap((file) =>
      statementsOf(JSON.parse(readFileSync(file, 'utf8')) as TemplateJson).map(({ logicalId }) => logicalId),
    );
    return carriers.length > 0 && carriers.every((logicalId) => deployed.has(logicalId));
  };
  const found = [...synthesized].reverse().find(([, directory]) => existsSync(directory) && fits(directory));
  if (found === undefined) throw new Error('What is judged was not synthesized here');
  const [name] = found[0].split(' ') as [string];
  if (kept.has(name)) return;
  kept.add(name);
  cpSync(found[1], join(folder, name), { recursive: true });
}

function templatesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.template\.json$/.test(file) && !file.includes('asset.'))
    .map((file) => join(directory, file));
}
