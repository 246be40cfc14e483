/** `object-workflow cost`: what the transitions of many objects would cost, measured on a saved run. */
import { transitionPriceUsd } from '../cost';
import { readSavedRun } from './output-folder';
import { formatCount, formatDollars } from './text';
import { UsageError } from './usage-error';

/** What the command prints with `--json`. */
export interface CostEstimate {
  readonly measuredObjects: number;
  readonly transitionsPerObject: number;
  readonly objects: number;
  readonly transitions: number;
  readonly priceUsd: number;
}

/** Scales the transitions of a saved run to a number of objects.
 * @param count As typed: a whole number. */
export function estimateCost(directory: string, count: string): CostEstimate {
  if (!/^[1-9][0-9]{0,11}$/.test(count)) {
    throw new UsageError({
      what: 'The number of objects is not a number',
      where: '--objects',
      got: count,
      allowed: 'a whole number from 1',
      fix: 'write it without signs, as --objects 1000',
    });
  }
  const run = readSavedRun(directory);
  if (run.objects.length === 0) {
    throw new UsageError({
      what: 'The run has no objects to measure',
      where: 'RUN',
      got: directory,
      fix: 'run object-workflow run with a file first',
    });
  }
  const objects = Number(count);
  const transitionsPerObject = run.transitions / run.objects.length;
  const transitions = Math.round(transitionsPerObject * objects);
  return {
    measuredObjects: run.objects.length,
    transitionsPerObject,
    objects,
    transitions,
    priceUsd: Number((transitions * transitionPriceUsd).toFixed(9)),
  };
}

/** The estimate as text. */
export function describeCost(cost: CostEstimate): string {
  const perObject = Number(cost.transitionsPerObject.toFixed(2));
  return [
    `${perObject} transitions an object, measured on ${formatCount(cost.measuredObjects, 'object')}.`,
    `${formatCount(cost.objects, 'object')}: ${formatCount(cost.transitions, 'transition')}, ${formatDollars(cost.priceUsd)}`,
    `at $0.025 per 1,000 (us-east-1). Lambda, storage, images, backups and instances come on top.`,
    '',
  ].join('\n');
}
