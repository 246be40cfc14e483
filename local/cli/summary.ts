/** A run as text: what became of each object, what it cost, how long it took. */
import { relative } from 'node:path';
import type { ObjectResult, RunResult } from './run-result';
import { formatBytes, formatCount, formatDollars, formatDuration, printable, type Palette } from './text';

/** Writes the summary of a run, one paragraph for each object and one for all. */
export function summarize(run: RunResult, palette: Palette): string {
  return [...run.objects.map((object) => describeObject(object, palette)), describeRun(run)].join('\n\n');
}

function describeObject(object: ObjectResult, palette: Palette): string {
  const colour = object.outcome === 'STORED' ? palette.good : palette.bad;
  const rows: [string, string][] = [
    ...resultRows(object),
    ...(object.image === undefined ? [] : [row('image', `${object.image.imageId}  ${object.image.imageName}`)]),
    ...recoveryPointRows(object),
    ...rejectionRows(object),
    ...failureRows(object),
    ...(object.outcome === 'NOT_TAKEN' ? notTakenRows(object) : []),
    row(
      'transitions',
      `${object.transitions}${object.rechecks > 0 ? `, ${object.rechecks} of them to look again` : ''}`,
    ),
    row('time', `${formatDuration(object.virtualMs)} (virtual)`),
  ];
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  const lines = rows.flatMap(([name, text]) =>
    text
      .split('\n')
      .map((line, index) => `  ${palette.dim((index === 0 ? name : '').padEnd(width))}${printable(line)}`),
  );
  return [`${palette.bold(printable(object.key))}  ${colour(object.outcome)}`, ...lines].join('\n');
}

function row(name: string, text: string): [string, string] {
  return [name, text];
}

function resultRows({ results }: ObjectResult): [string, string][] {
  return results.map(({ savedAs, sizeBytes }, index) =>
    row(index === 0 ? 'results' : '', `${relative('.', savedAs) || savedAs}  ${formatBytes(sizeBytes)}`),
  );
}

function recoveryPointRows({ recoveryPoint }: ObjectResult): [string, string][] {
  if (recoveryPoint === undefined) return [];
  return [
    row('recovery point', recoveryPoint.recoveryPointArn),
    ...(recoveryPoint.warning === undefined ? [] : [row('warning', recoveryPoint.warning)]),
  ];
}

function rejectionRows({ rejection }: ObjectResult): [string, string][] {
  if (rejection === undefined) return [];
  return [
    ...rejection.reasons.flatMap(({ code, message, accepted }) => [
      row('rejected', `${code}: ${message.trim()}`),
      ...(accepted === undefined ? [] : [row('accepted', accepted)]),
    ]),
    ...(rejection.quarantined === undefined
      ? []
      : [row('quarantined', `s3://${rejection.quarantined.bucket}/${rejection.quarantined.key}`)]),
  ];
}

function failureRows({ failure }: ObjectResult): [string, string][] {
  return failure === undefined ? [] : [row('error', failure.error), row('cause', failure.cause.trim())];
}

function notTakenRows({ rejection }: ObjectResult): [string, string][] {
  return rejection === undefined ? [row('reason', 'no execution was started for it')] : [];
}

function describeRun(run: RunResult): string {
  const outcomes = [...new Set(run.objects.map(({ outcome }) => outcome))]
    .map((outcome) => {
      const count = run.objects.filter((object) => object.outcome === outcome).length;
      return `${count} ${outcome.toLowerCase().replace('_', ' ')}`;
    })
    .join(', ');
  return [
    `${formatCount(run.objects.length, 'object')}: ${outcomes}.`,
    `${formatCount(run.transitions, 'transition')}, ${formatDollars(run.priceUsd)} on AWS.`,
    `${formatDuration(run.virtualMs)} of virtual time in ${formatDuration(run.realMs)}.`,
  ].join(' ');
}
