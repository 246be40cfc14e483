/** What an audit says of the apps, and what SECURITY.md says of its findings. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** One thing that an audit found. */
export interface Finding {
  /** As the tool names it: `AwsSolutions-S1`, `W3005`. */
  readonly rule: string;
  /** App and resource. */
  readonly where: string;
  readonly what: string;
  /** Nothing can explain an error of this kind away. */
  readonly isError?: boolean;
}

/** What came of one audit: findings, or why the tool could not be asked. */
export type AuditResult =
  | { readonly audit: string; readonly findings: readonly Finding[] }
  | { readonly audit: string; readonly notAsked: string };

/** Reasons by rule, from the tables of SECURITY.md whose first column holds rules of tools. */
export type Explanations = ReadonlyMap<string, string>;

/** Reads which findings SECURITY.md explains: rows that begin with rule names in backticks. */
export function readExplanations(
  text = readFileSync(join(resolve(__dirname, '../..'), 'SECURITY.md'), 'utf8'),
): Explanations {
  const rows = text.split('\n').flatMap((line) => {
    const [, rules, ...others] = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
    const names = [...(rules ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name!);
    const reason = others.at(-2) ?? '';
    return line.startsWith('| `') && reason.length > 0 ? names.map((name) => [name, reason] as const) : [];
  });
  return new Map(rows);
}

/** The findings that nobody has explained. A row for `Rule` explains its findings `Rule[…]`, too. */
export function unexplained(findings: readonly Finding[], explanations: Explanations): Finding[] {
  return findings.filter(
    ({ rule, isError }) => isError === true || !(explanations.has(rule) || explanations.has(rule.split('[')[0]!)),
  );
}
