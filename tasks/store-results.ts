/** Task: publishes the results of a command, once they are proved complete, by writing them into the object's record. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, HeadObjectCommand, NoSuchKey, NotFound, S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod';
import { defineTask } from './define-task';
import { filesFolder, invalidResults, maximumManifestBytes, parseManifest, type ResultFile } from './manifest';
import {
  type CommandOutcome,
  commandOutcome,
  objectReference,
  type StoredResults,
  storedResults,
} from './object-reference';
import { publishResults } from './operations/object-record';
import { TaskError } from './task-error';

/** Files whose checksums are asked for at a time. */
const parallelChecks = 32;

/** Reads the manifest that the instance wrote last, compares every file's size and SHA-256 with what S3 has stored, and
 * names the results in the record. No data is copied: readers see either nothing or everything. */
export const storeResults = defineTask({
  name: 'store-results',
  description: 'Checks the results against their manifest and publishes them in the object’s record.',
  input: z.object({ object: objectReference, outcome: commandOutcome }),
  output: storedResults,
  settings: z.object({ ledgerTable: z.string() }),
  errors: {
    [invalidResults]: 'The results are not what their manifest says, or there is no manifest.',
    'Object.LeaseLost': 'Another execution has taken the object over.',
  },
  run: async ({ object, outcome }, context) => {
    const { execution } = context;
    if (execution === undefined)
      throw new Error('store-results runs only in an execution: it writes what that execution owns');
    const files = parseManifest(await readManifest(context.client(S3Client), outcome));
    await checkFiles(context.client(S3Client), outcome, files);
    const results: StoredResults = {
      bucket: outcome.resultsBucket,
      prefix: outcome.resultsPrefix,
      manifestKey: outcome.manifestKey,
      fileCount: files.length,
      totalBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
      storedAt: new Date(context.nowMs()).toISOString(),
    };
    await publishResults(
      {
        client: context.client(DynamoDBClient),
        tableName: context.settings.ledgerTable,
        record: object.record,
        owner: execution.arn,
        nowMs: context.nowMs(),
      },
      execution.redriveCount,
      results,
    );
    return results;
  },
});

async function readManifest(s3: S3Client, outcome: CommandOutcome): Promise<string> {
  const request = { Bucket: outcome.resultsBucket, Key: outcome.manifestKey };
  try {
    const response = await s3.send(new GetObjectCommand(request));
    const sizeBytes = response.ContentLength ?? 0;
    if (sizeBytes > maximumManifestBytes) {
      throw invalid(outcome, 'the manifest is too big', `${sizeBytes} bytes`, `at most ${maximumManifestBytes} bytes`);
    }
    return (await response.Body?.transformToString('utf-8')) ?? '';
  } catch (error) {
    if (!(error instanceof NoSuchKey)) throw error;
    throw invalid(outcome, 'there is no manifest, which is written last', outcome.manifestKey, 'a complete upload');
  }
}

/** Asks for all files, a few at a time, until one is wrong. */
async function checkFiles(s3: S3Client, outcome: CommandOutcome, files: readonly ResultFile[]): Promise<void> {
  const remaining = files.values();
  const checkRemaining = async (): Promise<void> => {
    for (const file of remaining) await checkFile(s3, outcome, file);
  };
  await Promise.all(Array.from({ length: parallelChecks }, checkRemaining));
}

async function checkFile(s3: S3Client, outcome: CommandOutcome, file: ResultFile): Promise<void> {
  const key = `${outcome.resultsPrefix}${filesFolder}${file.path}`;
  const stored = await headObject(s3, outcome, key);
  if (stored.ContentLength !== file.sizeBytes) {
    throw invalid(
      outcome,
      'a file has another size',
      `${key}: ${stored.ContentLength} bytes`,
      `${file.sizeBytes} bytes`,
    );
  }
  if (stored.ChecksumSHA256 !== file.sha256) {
    throw invalid(
      outcome,
      'a file has other content',
      `${key}: SHA-256 ${stored.ChecksumSHA256 ?? 'not stored'}`,
      file.sha256,
    );
  }
}

async function headObject(s3: S3Client, outcome: CommandOutcome, key: string) {
  try {
    return await s3.send(new HeadObjectCommand({ Bucket: outcome.resultsBucket, Key: key, ChecksumMode: 'ENABLED' }));
  } catch (error) {
    if (!(error instanceof NotFound)) throw error;
    throw invalid(outcome, 'a file is missing', key, 'every file that the manifest names');
  }
}

function invalid(outcome: CommandOutcome, what: string, got: string, allowed: string): TaskError {
  return new TaskError(
    invalidResults,
    `The results of operation ${outcome.operationId} on ${outcome.instanceId} cannot be published: ${what}\n  got: ${got}\n  allowed: ${allowed}\n  fix: look at s3://${outcome.resultsBucket}/${outcome.resultsPrefix}output/, then redrive the execution or start the object again`,
  );
}
