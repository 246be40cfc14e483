/** What the package registry knows against the packages that are installed with this one. */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import type { AuditResult } from './audit';

interface AuditReport {
  readonly message?: string;
  readonly error?: { readonly summary?: string };
  readonly vulnerabilities?: Readonly<
    Record<string, { readonly severity: string; readonly range: string; readonly via: readonly unknown[] }>
  >;
}

/** Asks `npm audit` about the shipped dependencies. */
export function askNpmAudit(): AuditResult {
  const { stdout, stderr, error } = spawnSync('npm', ['audit', '--omit=dev', '--json'], {
    cwd: resolve(__dirname, '../..'),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  return readAuditReport(error === undefined ? stdout : '', error?.message ?? stderr);
}

/** Reads the answer. Whatever is not a list of vulnerabilities was no answer: that is never taken for a clean one. */
export function readAuditReport(stdout: string, complaint: string): AuditResult {
  const audit = 'npm audit (shipped dependencies)';
  let report: AuditReport;
  try {
    report = JSON.parse(stdout) as AuditReport;
  } catch {
    return { audit, notAsked: `npm answered: ${complaint.trim().slice(0, 500) || stdout.slice(0, 500) || 'nothing'}` };
  }
  const { vulnerabilities, message, error } = report;
  if (vulnerabilities === undefined) {
    return { audit, notAsked: `the registry answered: ${message || error?.summary || stdout.slice(0, 500)}` };
  }
  return {
    audit,
    findings: Object.entries(vulnerabilities).map(([name, { severity, range, via }]) => ({
      rule: `${severity} vulnerability`,
      where: `${name} ${range}`,
      what: via.map((cause) => (typeof cause === 'string' ? cause : (cause as { title?: string }).title)).join('; '),
      isError: true,
    })),
  };
}
