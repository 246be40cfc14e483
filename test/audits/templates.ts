/** What validators of other people say of the synthesized templates and the state machines in them. */
import { spawnSync } from 'node:child_process';
import validateDefinition from 'asl-validator';
import type { AuditedApp } from './apps';
import type { AuditResult, Finding } from './audit';

/** Asks asl-validator about every state machine. */
export function askAslValidator(apps: readonly AuditedApp[]): AuditResult {
  const findings: Finding[] = [];
  for (const { name, templates } of apps) {
    for (const { template } of templates) {
      for (const [logicalId, { Type, Properties }] of Object.entries(template.Resources)) {
        if (Type !== 'AWS::StepFunctions::StateMachine') continue;
        const { errors } = validateDefinition(JSON.parse(textOf(Properties?.['DefinitionString'])) as object);
        for (const error of errors) {
          findings.push({ rule: 'asl', where: `${name}: ${logicalId}`, what: JSON.stringify(error), isError: true });
        }
      }
    }
  }
  return { audit: 'asl-validator', findings };
}

interface CfnLintMatch {
  readonly Rule: { readonly Id: string };
  readonly Level: string;
  readonly Message: string;
  readonly Location: { readonly Path: readonly (string | number)[] | null };
}

/** Asks cfn-lint, where it is installed. Its errors cannot be explained away, its warnings can. */
export function askCfnLint(apps: readonly AuditedApp[], command = 'cfn-lint'): AuditResult {
  const audit = 'cfn-lint';
  const findings: Finding[] = [];
  for (const { name, templates } of apps) {
    const { error, status, stdout, stderr } = spawnSync(
      command,
      ['--format', 'json', '--', ...templates.map(({ file }) => file)],
      { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
    );
    if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') {
      return { audit, notAsked: 'cfn-lint is not installed here; `pip install cfn-lint` does it' };
    }
    if (error !== undefined) return { audit, notAsked: `cfn-lint did not run: ${error.message}` };
    // A set of bits: 2 errors, 4 warnings, 8 informational. Anything else is its own failure.
    if (status === null || (status & ~14) !== 0) {
      return { audit, notAsked: `cfn-lint ended with ${status ?? 'a signal'}: ${stderr.trim().slice(-500)}` };
    }
    for (const match of JSON.parse(stdout) as CfnLintMatch[]) {
      findings.push({
        rule: match.Rule.Id,
        where: `${name}: ${(match.Location.Path ?? []).join('/')}`,
        what: match.Message,
        isError: match.Level === 'Error',
      });
    }
  }
  return { audit, findings };
}

/** A text with references in it, each written as what it refers to. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const intrinsic = value as { 'Fn::Join'?: [string, unknown[]]; Ref?: string; 'Fn::GetAtt'?: string[] };
  if (intrinsic['Fn::Join']) return intrinsic['Fn::Join'][1].map(textOf).join(intrinsic['Fn::Join'][0]);
  if (intrinsic.Ref === 'AWS::Partition') return 'aws';
  return `<${intrinsic.Ref ?? intrinsic['Fn::GetAtt']?.join('.')}>`;
}
