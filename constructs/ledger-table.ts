/** The table that remembers every object version, who works on it and what came of it; and the operations in flight. */
import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
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

  /** Name of the index that finds the records of running executions by the end of their leases, and operations that were given up
   * while nobody could know whether their command was sent. It holds nothing else. */
  public static readonly leaseIndexName = 'lease-index';

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
    this.table.addGlobalSecondaryIndex({
      indexName: LedgerTable.leaseIndexName,
      partitionKey: { name: 'runningIn', type: AttributeType.STRING },
      sortKey: { name: 'leaseExpiresAt', type: AttributeType.NUMBER },
      projectionType: ProjectionType.INCLUDE,
      nonKeyAttributes: ['owner'],
    });
  }

  /** Allows exactly these actions on items of the table, and the use of its key. */
  public grant(grantee: IGrantable, ...actions: readonly LedgerAction[]): Grant {
    this.grantUseOfKey(grantee);
    return Grant.addToPrincipal({
      grantee,
      actions: actions.map((action) => `dynamodb:${action}`),
      resourceArns: [this.table.tableArn],
    });
  }

  /** Allows moving long operations on: reading and writing them, their slots and their waiting lists. */
  public grantOperations(grantee: IGrantable): Grant {
    return this.grant(grantee, 'GetItem', 'Query', 'PutItem', 'DeleteItem');
  }

  /** Allows finding what belongs to an execution. */
  public grantFindByOwner(grantee: IGrantable): Grant {
    return this.grantQuery(grantee, LedgerTable.ownerIndexName);
  }

  /** Allows finding the executions whose leases have ended. */
  public grantFindExpiredLeases(grantee: IGrantable): Grant {
    return this.grantQuery(grantee, LedgerTable.leaseIndexName);
  }

  /** Allows reading records by their keys. Finding those of an execution takes `grantFindByOwner`. */
  public grantRead(grantee: IGrantable): Grant {
    return this.grant(grantee, 'GetItem', 'Query');
  }

  /** Reading and writing alike take the table's own key, which has only to be decrypted. */
  private grantUseOfKey(grantee: IGrantable): void {
    this.table.encryptionKey?.grantDecrypt(grantee);
  }

  private grantQuery(grantee: IGrantable, indexName: string): Grant {
    this.grantUseOfKey(grantee);
    const index = `${this.table.tableArn}/index/${indexName}`;
    return Grant.addToPrincipal({ grantee, actions: ['dynamodb:Query'], resourceArns: [index] });
  }
}

/** What tasks do with the ledger: single items and the items of one partition, never a scan. */
export type LedgerAction = 'GetItem' | 'Query' | 'PutItem' | 'UpdateItem' | 'DeleteItem';
