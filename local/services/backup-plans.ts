/** The plans of the simulated AWS Backup: when a rule is due, a backup job starts for every resource that is assigned to its plan. */
import type { VirtualClock } from '../virtual-clock';
import { parseSchedule } from './schedule-expression';
import { UnsupportedError } from './service';

/** A rule of a plan. */
export interface BackupPlanRule {
  readonly RuleName?: string;
  readonly TargetBackupVault: string;
  readonly ScheduleExpression?: string;
  readonly ScheduleExpressionTimezone?: string;
  readonly StartWindowMinutes?: number;
  readonly CompletionWindowMinutes?: number;
  readonly Lifecycle?: object;
  readonly RecoveryPointTags?: Readonly<Record<string, string>>;
  readonly EnableContinuousBackup?: boolean;
  readonly CopyActions?: readonly unknown[];
}

/** What is assigned to a plan. */
export interface BackupSelection {
  readonly IamRoleArn: string;
  readonly Resources?: readonly string[];
  readonly ListOfTags?: readonly unknown[];
  readonly NotResources?: readonly unknown[];
  readonly Conditions?: object;
}

/** AWS Backup: the time of a rule that names none. */
const defaultSchedule = 'cron(0 5 ? * * *)';

/** Plans of one account, which start jobs for ever. Waiting for the next one keeps no simulation running. */
export class BackupPlans {
  private readonly selections = new Map<string, BackupSelection[]>();

  constructor(
    private readonly clock: VirtualClock,
    private readonly startBackupJob: (input: Readonly<Record<string, unknown>>) => void,
  ) {}

  /** @throws UnsupportedError for a rule that does more than start jobs in UTC */
  create(planId: string, rules: readonly BackupPlanRule[]): void {
    this.selections.set(planId, []);
    for (const rule of rules) {
      refuse(rule.EnableContinuousBackup === true, 'EnableContinuousBackup');
      refuse((rule.CopyActions ?? []).length > 0, 'CopyActions');
      refuse(!['Etc/UTC', 'UTC', undefined].includes(rule.ScheduleExpressionTimezone), 'ScheduleExpressionTimezone');
      this.wait(planId, rule);
    }
  }

  /** @throws UnsupportedError for a selection by anything but ARNs */
  assign(planId: string, selection: BackupSelection): void {
    const { ListOfTags = [], NotResources = [], Conditions = {}, Resources = [] } = selection;
    refuse(ListOfTags.length + NotResources.length + Object.keys(Conditions).length > 0, 'ListOfTags or Conditions');
    refuse(
      Resources.some((arn) => arn.includes('*')),
      'a wildcard in Resources',
    );
    this.selections.get(planId)?.push(selection);
  }

  private wait(planId: string, rule: BackupPlanRule): void {
    const nowMs = this.clock.nowMs();
    const dueMs = parseSchedule(rule.ScheduleExpression ?? defaultSchedule, nowMs)(nowMs);
    if (dueMs === undefined) return;
    const startJobs = (): void => {
      for (const { IamRoleArn, Resources = [] } of this.selections.get(planId) ?? []) {
        for (const ResourceArn of Resources) this.startBackupJob(jobRequest(rule, ResourceArn, IamRoleArn));
      }
      this.wait(planId, rule);
    };
    this.clock.schedule(dueMs - nowMs, startJobs, { background: true });
  }
}

function jobRequest(rule: BackupPlanRule, ResourceArn: string, IamRoleArn: string): Readonly<Record<string, unknown>> {
  const given = {
    StartWindowMinutes: rule.StartWindowMinutes,
    CompleteWindowMinutes: rule.CompletionWindowMinutes,
    Lifecycle: rule.Lifecycle,
    RecoveryPointTags: rule.RecoveryPointTags,
  };
  return {
    BackupVaultName: rule.TargetBackupVault,
    ResourceArn,
    IamRoleArn,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
}

function refuse(condition: boolean, what: string): void {
  if (condition)
    throw new UnsupportedError(what, 'a backup plan', 'assign resources by ARN to rules that only back up, in UTC');
}
