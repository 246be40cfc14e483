/** `npm run bench -- NAME`: runs one benchmark of this folder. */
import { main as engine } from './engine';

const benchmarks: Readonly<Record<string, () => Promise<void>>> = { engine };

async function main(name: string): Promise<void> {
  const run = Object.hasOwn(benchmarks, name) ? benchmarks[name] : undefined;
  if (run === undefined)
    throw new Error(`There is no benchmark '${name}': give one of ${Object.keys(benchmarks).join(', ')}`);
  await run();
}

void main(process.argv[2] ?? '');
