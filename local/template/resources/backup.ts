/** AWS Backup resources of a template. */
import type { BackupService } from '../../services/backup';
import type { ResourceHandlers, ResourceRequest } from '../resource';

/** Handlers for vaults, plans and selections. The schedules of plans do not run. */
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
      return {
        ref: id,
        attributes: { BackupPlanId: id, BackupPlanArn: arnOf(request, 'backup-plan', id), VersionId: '1' },
      };
    },
    'AWS::Backup::BackupSelection': (request) => {
      const id = request.generateName(50);
      const planId = request.properties['BackupPlanId'];
      return {
        ref: `${id}|${String(planId)}`,
        attributes: { Id: `${id}|${String(planId)}`, SelectionId: id, BackupPlanId: planId },
      };
    },
  };
}
