/** The data volume of an instance: an encrypted disk beside the root volume, formatted when it is blank, mounted at each start. */
import { Size, SizeRoundingBehavior, Token } from 'aws-cdk-lib';
import { BlockDeviceVolume, EbsDeviceVolumeType, type BlockDevice } from 'aws-cdk-lib/aws-ec2';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { misuse } from './misuse';

/** A disk for what an instance keeps while it lives: logs, sessions, caches. It is deleted with its instance. */
export interface DataVolume {
  /** @default Size.gibibytes(8) */
  readonly size?: Size;
  /** Where it is mounted: an absolute path.
   * @default '/data' */
  readonly mountPath?: string;
  /** Key that encrypts it. The Auto Scaling service-linked role must be allowed to use it.
   * @default - the account's key for EBS */
  readonly encryptionKey?: IKey;
}

/** Amazon Linux links this name to the NVMe device that the volume becomes. */
const deviceName = '/dev/sdf';

/** By label and not by UUID: the entry in /etc/fstab still holds on an instance that starts from an image of this one
 * with a blank volume. XFS allows 12 characters. */
const label = 'fleet-data';

/** Describes the disk to the launch template. */
export function dataVolumeDevice(
  scope: Construct,
  { size = Size.gibibytes(8), encryptionKey }: DataVolume,
): BlockDevice {
  if (!size.isUnresolved() && size.toGibibytes({ rounding: SizeRoundingBehavior.FLOOR }) < 1) {
    throw misuse({
      what: 'A data volume is too small',
      where: scope.node.path,
      got: `${size.toMebibytes()} MiB`,
      allowed: 'at least 1 GiB',
      fix: 'choose a larger size, or leave it out for 8 GiB',
    });
  }
  return {
    deviceName,
    volume: BlockDeviceVolume.ebs(size.toGibibytes(), {
      encrypted: true,
      kmsKey: encryptionKey,
      volumeType: EbsDeviceVolumeType.GP3,
      deleteOnTermination: true,
    }),
  };
}

/** The lines of user data that make the disk usable. Running them again changes nothing, and they never format a disk on
 * which they see anything at all.
 * @throws Error when the path is not a plain absolute one */
export function mountDataVolume(scope: Construct, { mountPath = '/data' }: DataVolume): string[] {
  if (!Token.isUnresolved(mountPath) && !/^(\/[A-Za-z0-9._-]+)+$/.test(mountPath)) {
    throw misuse({
      what: 'A data volume has no usable mount path',
      where: scope.node.path,
      got: JSON.stringify(mountPath),
      allowed: 'an absolute path of letters, digits, dots, hyphens and underscores, without a slash at its end',
      fix: 'choose another path, or leave it out for /data',
    });
  }
  return [
    `for wait in {1..60}; do [ -b ${deviceName} ] && break; sleep 1; done`,
    `[ -b ${deviceName} ] || { echo 'The data volume ${deviceName} did not appear' >&2; exit 1; }`,
    // 2: nothing was found. Any other answer but a known content (0) is a doubt, and a doubt is no reason to format.
    'found=0',
    `blkid --probe ${deviceName} || found=$?`,
    `if [ "$found" -eq 2 ]; then mkfs.xfs -L ${label} ${deviceName}; fi`,
    `mkdir -p ${mountPath}`,
    `grep -q '^LABEL=${label} ' /etc/fstab || echo 'LABEL=${label} ${mountPath} xfs defaults,nofail,nodev,nosuid 0 2' >>/etc/fstab`,
    'udevadm settle',
    `mountpoint -q ${mountPath} || mount ${mountPath}`,
  ];
}
