/** The audits of `npm run audits` over the default stack, and that none of them passes in silence. */
import { rmSync } from 'node:fs';
import type { App } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { makeWorkflow } from '../workflow/synthesize';
import { findApps, synthesizeApp, type AuditedApp } from './apps';
import { readExplanations, unexplained, type AuditResult, type Finding } from './audit';
import { readAuditReport } from './dependencies';
import { askNag } from './nag';
import { askCfnLint } from './templates';

let app: AuditedApp;
beforeAll(() => {
  app = synthesizeApp(findApps()[0]!);
});
afterAll(() => rmSync(app.directory, { recursive: true, force: true }));

const findingsOf = (result: AuditResult): readonly Finding[] => {
  if ('notAsked' in result) throw new Error(result.notAsked);
  return result.findings;
};

test('finds every example that has an app', () => {
  expect(findApps().map(({ name }) => name)).toEqual(expect.arrayContaining(['default stack', 'sales-report']));
});

test('cdk-nag finds nothing in the default stack that is neither fixed nor explained', () => {
  const findings = askNag([app]).flatMap(findingsOf);

  expect(unexplained(findings, readExplanations())).toEqual([]);
  expect(
    findings.filter(({ where }) => /\/(Relay|StateMachine|DeadLetters)\//.test(where) && /IAM[45]|SQS/.test(where)),
  ).toEqual([]);
});

test('cdk-nag finds a wildcard that somebody adds to a policy of ours', () => {
  const { stack, workflow } = makeWorkflow();
  const { relay } = workflow.events;
  relay.allow(
    new PolicyStatement({ actions: ['sqs:*'], resources: ['arn:aws:sqs:eu-west-1:111122223333:others'] }),
    new PolicyStatement({ actions: ['s3:DeleteObject'], resources: ['arn:aws:s3:::others/*'] }),
    new PolicyStatement({ actions: ['ec2:TerminateInstances'], resources: ['*'] }),
  );
  const app = stack.node.root as App;
  app.synth();
  const found = unexplained(askNag([{ name: 'test', app }]).flatMap(findingsOf), readExplanations());

  expect(found.map(({ rule }) => rule)).toEqual([
    'AwsSolutions-IAM5[Resource::*]',
    'AwsSolutions-IAM5[Action::sqs:*]',
    'AwsSolutions-IAM5[Resource::arn:aws:s3:::others/*]',
    'NIST.800.53.R5-IAMPolicyNoStatementsWithFullAccess',
  ]);
});

test('cfn-lint, where it is installed, finds no error and no unexplained warning', () => {
  const result = askCfnLint([app]);

  if ('notAsked' in result) expect(result.notAsked).toContain('not installed');
  else expect(unexplained(result.findings, readExplanations())).toEqual([]);
});

test('an auditor that is not installed is named', () => {
  expect(askCfnLint([app], 'cfn-lint-that-is-not-there')).toEqual({
    audit: 'cfn-lint',
    notAsked: expect.stringContaining('not installed') as string,
  });
});

describe('npm audit', () => {
  test.each([
    ['an error of the registry', '{"message":"405 Method Not Allowed","statusCode":405}', '405 Method Not Allowed'],
    ['no JSON', '', 'network is down'],
    ['JSON of another kind', '{}', 'the registry answered'],
  ])('takes %s for no answer', (_, stdout, expected) => {
    expect(readAuditReport(stdout, 'network is down')).toMatchObject({
      notAsked: expect.stringContaining(expected) as string,
    });
  });

  test('takes a vulnerability for an error that nothing explains', () => {
    const report = {
      vulnerabilities: { zod: { severity: 'high', range: '<5', via: [{ title: 'Runs what it reads' }] } },
    };
    const findings = findingsOf(readAuditReport(JSON.stringify(report), ''));

    expect(unexplained(findings, new Map([['high vulnerability', 'never mind']]))).toHaveLength(1);
    expect(findings[0]).toMatchObject({ where: 'zod <5', what: 'Runs what it reads' });
  });

  test('takes an empty list for a clean one', () => {
    expect(readAuditReport('{"vulnerabilities":{}}', '')).toMatchObject({ findings: [] });
  });
});
