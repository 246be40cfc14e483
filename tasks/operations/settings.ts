/** The shapes of what long operations are configured with, shared by the tasks' settings and the operations' records. */
import * as z from 'zod';

/** Which instances may run commands, and how many at a time. `id` names the queue that they share in the ledger. */
export const fleet = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('instances'),
    id: z.string().min(1),
    instanceIds: z.array(z.string()).min(1),
    slotsPerInstance: z.number().int().min(1),
  }),
  z.object({
    kind: z.literal('tag'),
    id: z.string().min(1),
    key: z.string().min(1),
    value: z.string(),
    slotsPerInstance: z.number().int().min(1),
  }),
  z.object({
    kind: z.literal('autoScalingGroup'),
    id: z.string().min(1),
    groupName: z.string().min(1),
    slotsPerInstance: z.number().int().min(1),
    /** Whether instances that work are protected from scale-in. Somebody must take the protection off again: the keeper. */
    protectsBusy: z.boolean().default(false),
  }),
  /** No instances: each operation launches one of its own and terminates it. */
  z.object({
    kind: z.literal('launch'),
    id: z.string().min(1),
    launchTemplateId: z.string().min(1),
    /** A number, `$Latest` or `$Default`. */
    launchTemplateVersion: z.string().min(1),
    /** Where to launch, tried in turn. Empty: where the launch template says. */
    subnetIds: z.array(z.string()),
    maximumInstances: z.number().int().min(1),
    /** How long a launched instance may take until its agent is online. */
    startTimeoutSeconds: z.number().int().min(60).default(900),
  }),
]);
export type Fleet = z.output<typeof fleet>;

/** What is run on an instance, and how long it may take. */
export const commandSettings = z.object({
  fleet,
  documentName: z.string(),
  /** A version number; `$DEFAULT` follows changes of the document while executions run. */
  documentVersion: z.string().default('$DEFAULT'),
  /** SHA-256 of the document's content: SSM refuses another one. */
  documentHash: z.string().optional(),
  resultsBucket: z.string(),
  /** Empty, or ends with `/`. */
  resultsPrefix: z.string().regex(/^$|\/$/),
  /** As in the document's step: after it the agent stops the command. */
  executionTimeoutSeconds: z.number().int().min(1).max(172_800),
  /** A command that no agent has taken by then is not run any more. */
  deliveryTimeoutSeconds: z.number().int().min(30).max(2_592_000).default(600),
  /** From the first entry of the state, queueing included. */
  deadlineSeconds: z.number().int().min(1),
  /** How often the command may be given to an instance, the first time included. */
  maximumTries: z.number().int().min(1).default(3),
  /** Within this time after its success an image of its instance is asked for, and the instance stays until then.
   * @default - there will be no image, or the fleet's size is somebody else's affair */
  imageAskedWithinSeconds: z.number().int().min(1).optional(),
  /** CloudWatch log group for the command's whole output.
   * @default - only the end of standard error is kept */
  outputLogGroup: z.string().optional(),
});
export type CommandSettings = z.output<typeof commandSettings>;

/** When a new image or backup job may begin. Jobs are shared in both cases: whoever asks while none runs starts one,
 * and a finished job serves everybody who asked before it began. For "never" leave the state out. */
export const groupCommitPolicy = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('everyRun') }),
  z.object({ kind: z.literal('atMostEvery'), seconds: z.number().int().min(1) }),
]);
export type GroupCommitPolicy = z.output<typeof groupCommitPolicy>;

/** How an instance is imaged. */
export const imageSettings = z.object({
  policy: groupCommitPolicy,
  /** Begins the image's name, which goes on with instance and instant. */
  imageNamePrefix: z.string().regex(/^[A-Za-z0-9._/-]{1,70}$/),
  /** False: EC2 restarts the instance for a consistent image, which ends every command that runs on it. */
  noReboot: z.boolean().default(true),
  /** An image is removed when it is beyond either limit and not in use. The newest one stays. */
  retention: z
    .object({ count: z.number().int().min(1).optional(), days: z.number().int().min(1).optional() })
    .default({}),
  /** Where each image is copied to as well. */
  copies: z
    .array(
      z.object({
        region: z.string().min(1),
        /** KMS key of that Region that encrypts the copy.
         * @default - a copy is encrypted if its image is, or if the Region's default says so */
        keyArn: z.string().optional(),
      }),
    )
    .default([]),
  /** SSM parameter of data type `aws:ec2:image` that names the newest image. */
  parameterName: z.string().optional(),
  deadlineSeconds: z.number().int().min(1),
  /** How many images may fail before the operation does. */
  maximumTries: z.number().int().min(1).default(3),
});
export type ImageSettings = z.output<typeof imageSettings>;

/** How the results are backed up. */
export const backupSettings = z.object({
  policy: groupCommitPolicy,
  vaultName: z.string().regex(/^[a-zA-Z0-9\-_]{2,50}$/),
  /** Role that AWS Backup assumes. */
  roleArn: z.string(),
  /** What is backed up: the results' bucket. */
  resourceArn: z.string(),
  lifecycle: z
    .object({
      moveToColdStorageAfterDays: z.number().int().min(1).optional(),
      deleteAfterDays: z.number().int().min(1).optional(),
    })
    .default({}),
  /** A job that could not start by then expires. */
  startWindowMinutes: z.number().int().min(60).default(60),
  deadlineSeconds: z.number().int().min(1),
  /** How many jobs may fail before the operation does. */
  maximumTries: z.number().int().min(1).default(3),
});
export type BackupSettings = z.output<typeof backupSettings>;
