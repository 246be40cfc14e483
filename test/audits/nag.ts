/** The packs of cdk-nag over a construct tree, with what the constructs themselves acknowledge left out. */
import { AwsSolutionsChecks, NIST80053R5Checks } from 'cdk-nag';
import type { AuditedApp } from './apps';
import type { AuditResult } from './audit';

const packs = [
  { audit: 'cdk-nag AwsSolutions', Pack: AwsSolutionsChecks },
  { audit: 'cdk-nag NIST 800-53 R5', Pack: NIST80053R5Checks },
];

/** Asks both packs. */
export function askNag(apps: readonly Pick<AuditedApp, 'name' | 'app'>[]): AuditResult[] {
  return packs.map(({ audit, Pack }) => ({
    audit,
    findings: apps.flatMap(({ name, app }) =>
      new Pack(app).validateScope(app).violations.flatMap(({ ruleName, description, violatingResources }) =>
        violatingResources.map(({ constructPath }) => ({
          rule: ruleName,
          where: `${name}: ${constructPath}`,
          what: description.split(' - (Control IDs')[0]!,
        })),
      ),
    ),
  }));
}
