/** What is done with each deployed example, and what must come of it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { sampleLog } from '../../examples/data-lifecycle/sample-log';
import type { Account } from './account';
import type { Emulator } from './emulator';
import { customerRegistration } from './registration';

/** What a step finds. */
export interface Stage {
  readonly account: Account;
  readonly emulator: Emulator;
  /** Is removed at the end. */
  readonly folder: string;
  /** Physical name of a resource, by its logical id's beginning and its type. */
  readonly nameOf: (logicalId: string, type: string) => string;
}

/** One example. */
export interface Scenario {
  readonly example: string;
  /** What is deployed. */
  readonly shows: string;
  /** By what they show; in this order. One that the emulator lets go another way says how. */
  readonly steps: Readonly<Record<string, (stage: Stage) => Promise<string | void>>>;
  /** Ends what the steps have started. */
  readonly end?: () => Promise<void>;
}

const sales = readFileSync('examples/sales-report/input/sales.csv');
const inbox = ({ nameOf }: Stage): string => nameOf('Inbox', 'AWS::S3::Bucket');

export const scenarios: readonly Scenario[] = [
  {
    example: 'sales-report',
    shows: 'the default workflow: source and processor are all that it is given',
    steps: {
      'an uploaded CSV becomes a report, an image and a recovery point': async (stage) => {
        const { account } = stage;
        await account.upload(inbox(stage), 'incoming/sales.csv', sales, 'text/csv');
        const execution = await account.executionFor('SalesReport', 'incoming/sales.csv');
        assert.equal(execution.status, 'SUCCEEDED', `${execution.error}: ${execution.cause}`);
        const record = await account.record('incoming/sales.csv');
        assert.equal(record.status, 'STORED');
        assert.match(JSON.stringify(record), /"imageId":"ami-.*"recoveryPointArn":"arn:/);
        const { 'report.csv': report = '', 'summary.json': summary = '' } = await account.results(record);
        assert.match(report, /^product,month,units,revenue\n/);
        assert.match(summary, /"from": "2025-01",\s+"to": "2025-12",\s+"products": 24/);
      },
      'the same upload, started by hand, is already claimed': async (stage) => {
        const record = await stage.account.record('incoming/sales.csv');
        const input = { bucket: record.bucket, key: record.key, versionId: record['versionId'] };
        const execution = await stage.account.start('SalesReport', input);
        assert.equal(execution.status, 'SUCCEEDED', `${execution.error}: ${execution.cause}`);
        assert.deepEqual(await stage.account.statesOf(execution), ['Claim object', 'Already claimed']);
      },
      'a file without sales is rejected, with the reason': async (stage) => {
        const { account } = stage;
        await account.upload(inbox(stage), 'incoming/empty.csv', Buffer.from('date,product\n'), 'text/csv');
        const execution = await account.executionFor('SalesReport', 'incoming/empty.csv');
        assert.equal(execution.status, 'SUCCEEDED', `${execution.error}: ${execution.cause}`);
        const record = await account.record('incoming/empty.csv');
        assert.equal(record.status, 'REJECTED');
        assert.match(JSON.stringify(record['rejection']), /lacks units, unit_price/);
      },
    },
  },
  {
    example: 'data-lifecycle',
    shows: 'portal, fleet from no instance, nightly backups, restore drills',
    steps: {
      'the log of a tour is inspected, and imaged and backed up with the results': async (stage) => {
        const { account, nameOf } = stage;
        const key = 'tours/van-7.csv';
        await account.upload(nameOf('Originals', 'AWS::S3::Bucket'), key, Buffer.from(sampleLog()), 'text/csv');
        const execution = await account.executionFor('Tours', key);
        assert.equal(execution.status, 'SUCCEEDED', `${execution.error}: ${execution.cause}`);
        const record = await account.record(key);
        assert.equal(record.status, 'STORED');
        assert.match(JSON.stringify(record), /"imageId":"ami-.*"recoveryPointArn":"arn:/);
        assert.notDeepEqual(await account.results(record), {});
      },
    },
  },
  customerRegistration,
];
