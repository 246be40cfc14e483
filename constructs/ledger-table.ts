/** The table that remembers every object version, who works on it and what came of it; and the operations in flight. */
import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';

/** How a ledger differs from the defaults. */
export interface LedgerTableProps {
  /** Key that encrypts the table.
   * @default - a key that DynamoDB owns */
  readonly encryptionKey?: IKey;
  /** What happens to the table when it leaves the stack. Anything but RETAIN also turns deletion protection off.
   * @default RemovalPolicy.RETAIN */
  readonly removalPolicy?: RemovalPolicy;
}

/** A DynamoDB table with keys `pk` and `sk`, paid per request, with point-in-time recovery and deletion protection.
 * One ledger can serve several workflows: records and operations never meet under one key. */
export class LedgerTable extends Construct {
  /** Name of the index that finds an execution's records by its ARN. */
  public static readonly ownerIndexName = 'owner-index';

  public readonly table: Table;

  constructor(scope: Construct, id: string, props: LedgerTableProps = {}) {
    super(scope, id);
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN;
    this.table = new Table(this, 'Resource', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      timeToLiveAttribute: 'expiresAt',
      deletionProtection: removalPolicy === RemovalPolicy.RETAIN,
      removalPolicy,
      ...(props.encryptionKey && {
        encryption: TableEncryption.CUSTOMER_MANAGED,
        encryptionKey: props.encryptionKey,
      }),
    });
    this.table.addGlobalSecondaryIndex({
      indexName: LedgerTable.ownerIndexName,
      partitionKey: { name: 'owner', type: AttributeType.STRING },
      projectionType: ProjectionType.ALL,
    });
  }

  /** Allows reading and conditionally writing records and operations: no scan, no batch, no change of the table. */
  public grantWork(grantee: IGrantable): Grant {
    return this.table.grant(grantee, ...workActions).combine(this.grantFindByOwner(grantee));
  }

  /** Allows finding the records of an execution. */
  public grantFindByOwner(grantee: IGrantable): Grant {
    return this.table.grant(grantee, 'dynamodb:Query');
  }

  /** Allows reading every record. */
  public grantRead(grantee: IGrantable): Grant {
    return this.table.grantReadData(grantee);
  }
}

const workActions = [
  'dynamodb:GetItem',
  'dynamodb:PutItem',
  'dynamodb:UpdateItem',
  'dynamodb:DeleteItem',
  'dynamodb:ConditionCheckItem',
];
