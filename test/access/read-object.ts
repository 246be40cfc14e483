/** A task of somebody's own that reads the object: a validator, and a state that is inserted. */
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { defineTask } from '../../tasks/define-task';
import { objectReference } from '../../tasks/object-reference';

export const readObject = defineTask({
  name: 'read-object',
  description: 'Reads the object.',
  input: z.object({ object: objectReference }),
  output: z.object({}),
  run: async ({ object: { bucket, key, versionId } }, context) => {
    await context.client(S3Client).send(new GetObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId }));
    return {};
  },
});
export const handler = readObject.handler;
