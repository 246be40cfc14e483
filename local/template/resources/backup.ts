/** AWS Backup resources of a template. */
import type { BackupService } from '../../services/backup';
import type { BackupPlanRule, BackupSelection } from '../../services/backup-plans';
import type { ResourceHandlers, ResourceRequest } from '../resource';

/** Handlers for vaults, plans and selections. */
export function backupResources(backup: BackupService): ResourceHandlers {
  const arnOf = (request: ResourceRequest, kind: string, name: string): string =>
    `arn:aws:backup:${request.region}:${request.accountId}:${kind}:${name}`;
  return {
    'AWS::Backup::BackupVault': (request) => {
      const name = (request.properties['BackupVaultName'] as string | undefined) ?? request.generateName(50);
      backup.createVault(name);
      return { ref: name, attributes: { BackupVaultName: name, BackupVaultArn: arnOf(request, 'backup-vault', name) } };
    },
    'AWS::Backup::BackupPlan': (request) => {
      const id = request.generateName(50);
      const plan = request.properties['BackupPlan'] as { readonly BackupPlanRule?: readonly BackupPlanRule[] };
      backup.plans.create(id, plan.BackupPlanRule ?? []);
      return {
        ref: id,
        attributes: { BackupPlanId: id, BackupPlanArn: arnOf(request, 'backup-plan', id), VersionId: '1' },
      };
    },
    'AWS::Backup::BackupSelection': (request) => {
      const id = request.generateName(50);
      const planId = request.properties['BackupPlanId'];
      backup.plans.assign(String(planId), request.properties['BackupSelection'] as BackupSelection);
      return {
        ref: `${id}|${String(planId)}`,
        attributes: { Id: `${id}|${String(planId)}`, SelectionId: id, BackupPlanId: planId },
      };
    },
  };
}
