import { findResource } from '../../local/find-resource';

const bucket = (
  logicalId: string,
  constructPath: string,
  physicalId: string | undefined = logicalId.toLowerCase(),
) => ({
  logicalId,
  constructPath,
  physicalId,
  stackName: 'Shop',
  type: 'AWS::S3::Bucket',
});
const resources = [
  bucket('InboxA8E05DC3', 'Shop/Inbox/Resource', 'shop-inbox-1'),
  bucket('ReportResultsB1', 'Shop/Report/Results/Resource/Resource'),
  bucket('ReportQuarantineC2', 'Shop/Report/Quarantine/Resource/Resource'),
  { ...bucket('Queue', 'Shop/Inbox/Queue'), type: 'AWS::SQS::Queue' },
];
const find = (identifier?: string): string => findResource(resources, identifier, ['AWS::S3::Bucket']).logicalId;

test.each(['InboxA8E05DC3', 'shop-inbox-1', 'Shop/Inbox/Resource', 'Shop/Inbox', '/Shop/Inbox', 'Inbox'])(
  'finds a bucket by %s',
  (identifier) => {
    expect(find(identifier)).toBe('InboxA8E05DC3');
  },
);

test('finds the only resource of its type inside of a construct', () => {
  expect(find('Report/Results')).toBe('ReportResultsB1');
});

test('rejects what fits several or none, with those there are', () => {
  expect(() => find('Report')).toThrow(/More than one Bucket fits.*Results.*Quarantine/s);
  expect(() => find('Outbox')).toThrow(/no such Bucket.*got: Outbox.*Shop\/Inbox\/Resource \(InboxA8E05DC3\)/s);
  expect(() => find()).toThrow('More than one Bucket fits');
});
