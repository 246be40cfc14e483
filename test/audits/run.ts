/** `npm run audits`: asks every auditor about the default stack and all examples, and says what nobody has explained.
 * Ends with exit code 1 when there is such a finding. An auditor that could not be asked is named, never counted as content. */
import { rmSync } from 'node:fs';
import { findApps, synthesizeApp } from './apps';
import { readExplanations, unexplained, type AuditResult, type Explanations } from './audit';
import { askNpmAudit } from './dependencies';
import { askNag } from './nag';
import { askAslValidator, askCfnLint } from './templates';

const print = (line: string): void => void process.stdout.write(`${line}\n`);

function main(): void {
  const apps = findApps().map((app) => synthesizeApp(app));
  print(`Auditing ${apps.map(({ name }) => name).join(', ')}`);
  try {
    const explanations = readExplanations();
    const results = [...askNag(apps), askAslValidator(apps), askCfnLint(apps), askNpmAudit()];
    const unexplainedCount = results.reduce((sum, result) => sum + report(result, explanations), 0);
    const stale = reportStale(results, explanations);
    const notAsked = results.filter((result) => 'notAsked' in result);
    print(
      `${results.length - notAsked.length} of ${results.length} auditors asked, ${unexplainedCount} unexplained findings` +
        (notAsked.length > 0 ? `; NOT ASKED: ${notAsked.map(({ audit }) => audit).join(', ')}` : ''),
    );
    process.exitCode = unexplainedCount > 0 || stale > 0 ? 1 : 0;
  } finally {
    for (const { directory } of apps) rmSync(directory, { recursive: true, force: true });
  }
}

/** @returns how many findings nobody has explained */
function report(result: AuditResult, explanations: Explanations): number {
  if ('notAsked' in result) {
    print(`? ${result.audit}: could not be asked\n    ${result.notAsked}`);
    return 0;
  }
  const wrong = unexplained(result.findings, explanations);
  const explained = result.findings.length - wrong.length;
  print(`${wrong.length === 0 ? '✓' : '✗'} ${result.audit}: ${wrong.length} unexplained, ${explained} explained`);
  for (const { rule, where, what } of wrong) print(`    ${rule}\n      at ${where}\n      ${what.slice(0, 300)}`);
  return wrong.length;
}

/** Explanations of what no auditor finds any more. Only meaningful when all of them were asked. */
function reportStale(results: readonly AuditResult[], explanations: Explanations): number {
  const found = new Set(
    results.flatMap((result) => ('findings' in result ? result.findings.map(({ rule }) => rule) : [])),
  );
  const asked = (rule: string): boolean =>
    !/^[EWI]\d{4}$/.test(rule) || results.some((r) => r.audit === 'cfn-lint' && 'findings' in r);
  const stale = [...explanations.keys()].filter(
    (rule) => asked(rule) && ![...found].some((name) => name === rule || name.startsWith(`${rule}[`)),
  );
  for (const rule of stale) print(`✗ SECURITY.md explains ${rule}, which nobody finds any more: remove the row`);
  return stale.length;
}

main();
