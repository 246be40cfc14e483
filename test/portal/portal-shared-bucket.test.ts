/** A portal whose files go to a bucket that another stack owns, encrypted with that stack's key: what it takes, and what it says it lacks. */
import { rmSync } from 'node:fs';
import type { App } from 'aws-cdk-lib';
import { simulate } from '../../local';
import type { CreatedUpload, ResultPage, Upload } from '../../tasks/portal/messages';
import { makePortal } from './assembly';
import { call, readSettings, sendForm, signIn } from './visitor';

const ana = { email: 'ana@example.com', password: 'Correct-horse-1' };

test('a file goes through a bucket and a key of another stack, which must itself allow the page', async () => {
  const assembly = (makePortal({ isShared: true }).node.root as App).synth();
  expect(assembly.getStackByName('Portal').messages).toContainEqual(
    expect.objectContaining({
      id: '/Portal/Uploads',
      entry: expect.objectContaining({
        data: expect.stringContaining("The source's bucket must allow the page's origin itself") as string,
      }) as object,
    }),
  );
  const simulation = await simulate(assembly.directory, { clients: 'direct' });
  try {
    const served = await simulation.serve({ users: [ana] });
    const { api } = await readSettings(served);
    const ask = async <Body>(route: string, json?: object) =>
      call<Body>(api, (await signIn(served, ana)).access_token, route, json);
    const content = 'day,amount\n2026-01-01,3\n';
    const { body } = await ask<CreatedUpload>('POST /uploads', {
      ...{ fileName: 'sales.csv', sizeBytes: content.length, contentType: 'text/csv' },
    });
    if (body.transfer.kind !== 'form') throw new Error('This file is to be sent in parts');
    expect((await sendForm(body.transfer, content)).status).toBe(201);
    await simulation.settle();
    expect(await ask<Upload>(`GET /uploads/${body.upload.id}`)).toMatchObject({ body: { state: 'STORED' } });
    const results = await ask<ResultPage>(`GET /uploads/${body.upload.id}/results`);
    expect(results).toMatchObject({ body: { files: [{ path: 'lines.txt' }] } });
    const [stored] = simulation.services.s3.versions('shared-inbox');
    expect(stored?.encryption.algorithm).toBe('aws:kms');
    expect(simulation.permissions().denied).toEqual([]);
  } finally {
    await simulation.close();
    rmSync(assembly.directory, { recursive: true, force: true });
  }
});
