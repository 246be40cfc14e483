/** Customers and their attachments in DynamoDB. A CPF and an e-mail belong to one customer: each is an item of its own, written
 * in the same transaction, so that two registrations at the same instant cannot both succeed. */
import {
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type AttributeValue,
  type DynamoDBClient,
  type TransactWriteItem,
} from '@aws-sdk/client-dynamodb';
import type { Address, CustomerDetails } from './customer';
import { Problem } from './problem';

export interface Customer extends CustomerDetails {
  /** Opaque: says nothing about the person. */
  readonly id: string;
  /** Eleven digits. */
  readonly cpf: string;
  /** From 1, one more with each change. */
  readonly version: number;
  readonly registeredAt: string;
  readonly changedAt: string;
}

/** A file of a customer, as it was announced. What became of it stands in the workflow's ledger. */
export interface AttachmentRecord {
  readonly id: string;
  readonly fileName: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  readonly announcedAt: string;
}

/** A customer who was erased: opaque ids only, so that what arrives late can be erased as well. */
export interface Erasure {
  readonly customerId: string;
  readonly attachmentIds: readonly string[];
  readonly erasedAt: string;
}

export const maximumAttachments = 50;

const transactionTries = 4;

type Item = Record<string, AttributeValue>;

/** The table's items, by kind: `customer#<id>` with `customer` and `attachment#<id>`, `cpf#<digits>`, `email#<address>`, `erasures`. */
export class CustomerTable {
  constructor(
    private readonly client: DynamoDBClient,
    private readonly tableName: string,
  ) {}

  /** @throws Problem CPF_TAKEN, EMAIL_TAKEN */
  async add(customer: Customer): Promise<void> {
    await this.write(
      [
        this.putNew(toItem(customer)),
        this.putNew(reservation('cpf', customer.cpf, customer.id)),
        this.putNew(reservation('email', customer.email, customer.id)),
      ],
      ['FAILED', 'CPF_TAKEN', 'EMAIL_TAKEN'],
    );
  }

  /** @throws Problem NOT_FOUND */
  async read(id: string): Promise<Customer> {
    const item = await this.get(customerKey(id));
    if (item === undefined) throw new Problem('NOT_FOUND');
    return fromItem(item);
  }

  /** @returns the customer with that CPF. @throws Problem NOT_FOUND */
  async readByCpf(cpf: string): Promise<Customer> {
    const item = await this.get(reservationKey('cpf', cpf));
    if (item === undefined) throw new Problem('NOT_FOUND');
    return this.read(item['customerId']!.S!);
  }

  /** Replaces what is known of a customer, if nobody has since `current` was read.
   * @throws Problem CHANGED_MEANWHILE, EMAIL_TAKEN */
  async replace(current: Customer, changed: Customer): Promise<void> {
    const isSame = current.email === changed.email;
    const replaced: TransactWriteItem = {
      Put: {
        TableName: this.tableName,
        Item: toItem(changed),
        ConditionExpression: '#version = :version',
        ExpressionAttributeNames: { '#version': 'version' },
        ExpressionAttributeValues: { ':version': { N: String(current.version) } },
      },
    };
    const moved = [
      this.putNew(reservation('email', changed.email, changed.id)),
      this.delete(reservationKey('email', current.email)),
    ];
    await this.write([replaced, ...(isSame ? [] : moved)], ['CHANGED_MEANWHILE', 'EMAIL_TAKEN', 'FAILED']);
  }

  /** Announces an attachment of a customer who is there.
   * @throws Problem NOT_FOUND, TOO_MANY_ATTACHMENTS */
  async addAttachment(customerId: string, attachment: AttachmentRecord): Promise<void> {
    const attachments = await this.listAttachments(customerId);
    if (attachments.length >= maximumAttachments) throw new Problem('TOO_MANY_ATTACHMENTS');
    await this.write(
      [
        {
          ConditionCheck: {
            TableName: this.tableName,
            Key: customerKey(customerId),
            ConditionExpression: 'attribute_exists(pk)',
          },
        },
        this.putNew({
          ...attachmentKey(customerId, attachment.id),
          fileName: { S: attachment.fileName },
          contentType: { S: attachment.contentType },
          sizeBytes: { N: String(attachment.sizeBytes) },
          announcedAt: { S: attachment.announcedAt },
        }),
      ],
      ['NOT_FOUND', 'FAILED'],
    );
  }

  async listAttachments(customerId: string): Promise<AttachmentRecord[]> {
    const items = await this.query(customerKey(customerId).pk.S, 'attachment#');
    return items.map((item) => ({
      id: item['sk']!.S!.slice('attachment#'.length),
      fileName: item['fileName']!.S!,
      contentType: item['contentType']!.S!,
      sizeBytes: Number(item['sizeBytes']!.N),
      announcedAt: item['announcedAt']!.S!,
    }));
  }

  /** Removes everything that the table knows of a customer and notes the erasure, in that order: while the note is missing,
   * erasing again finds what is left. */
  async erase(customer: Customer, attachmentIds: readonly string[], erasedAt: string): Promise<void> {
    await this.client.send(
      new PutItemCommand({
        TableName: this.tableName,
        Item: {
          pk: { S: 'erasures' },
          sk: { S: customer.id },
          erasedAt: { S: erasedAt },
          ...(attachmentIds.length > 0 && { attachmentIds: { SS: [...attachmentIds] } }),
        },
      }),
    );
    for (const id of attachmentIds) {
      await this.client.send(new DeleteItemCommand({ TableName: this.tableName, Key: attachmentKey(customer.id, id) }));
    }
    const current = await this.read(customer.id);
    await this.write(
      [
        {
          Delete: {
            TableName: this.tableName,
            Key: customerKey(customer.id),
            ConditionExpression: '#version = :version',
            ExpressionAttributeNames: { '#version': 'version' },
            ExpressionAttributeValues: { ':version': { N: String(current.version) } },
          },
        },
        this.delete(reservationKey('cpf', current.cpf)),
        this.delete(reservationKey('email', current.email)),
      ],
      ['CHANGED_MEANWHILE', 'FAILED', 'FAILED'],
    );
  }

  async listErasures(): Promise<Erasure[]> {
    const items = await this.query('erasures', '');
    return items.map((item) => ({
      customerId: item['sk']!.S!,
      attachmentIds: item['attachmentIds']?.SS ?? [],
      erasedAt: item['erasedAt']!.S!,
    }));
  }

  /** An erasure that needs no more looking after keeps its note: a backup that is restored must be erased again by it. */
  async settleErasure({ customerId }: Erasure): Promise<void> {
    await this.client.send(
      new UpdateItemCommand({
        TableName: this.tableName,
        Key: { pk: { S: 'erasures' }, sk: { S: customerId } },
        UpdateExpression: 'REMOVE attachmentIds',
      }),
    );
  }

  /** Writes all or nothing. Which condition did not hold decides what the caller is told.
   * @param problems By position of the item. */
  private async write(items: TransactWriteItem[], problems: readonly Problem['code'][]): Promise<void> {
    for (let tried = 1; ; tried++) {
      try {
        await this.client.send(new TransactWriteItemsCommand({ TransactItems: items }));
        return;
      } catch (error) {
        if (!(error instanceof TransactionCanceledException)) throw error;
        const reasons = (error.CancellationReasons ?? []).map(({ Code }) => Code ?? 'None');
        const failed = reasons.indexOf('ConditionalCheckFailed');
        if (failed >= 0) throw new Problem(problems[failed] ?? 'FAILED');
        // Another transaction had one of the items at that instant: it is over by the time of a second try.
        if (tried === transactionTries || !reasons.includes('TransactionConflict')) {
          throw new Problem('TRY_AGAIN', {}, { cause: error });
        }
      }
    }
  }

  private async get(key: Item): Promise<Item | undefined> {
    const command = new GetItemCommand({ TableName: this.tableName, Key: key, ConsistentRead: true });
    return (await this.client.send(command)).Item;
  }

  private async query(pk: string, prefix: string): Promise<Item[]> {
    const items: Item[] = [];
    let ExclusiveStartKey: Item | undefined;
    do {
      const page = await this.client.send(
        new QueryCommand({
          TableName: this.tableName,
          KeyConditionExpression: prefix === '' ? 'pk = :pk' : 'pk = :pk AND begins_with(sk, :prefix)',
          ExpressionAttributeValues: { ':pk': { S: pk }, ...(prefix !== '' && { ':prefix': { S: prefix } }) },
          ConsistentRead: true,
          ExclusiveStartKey,
        }),
      );
      items.push(...(page.Items ?? []));
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey !== undefined);
    return items;
  }

  private putNew(item: Item): TransactWriteItem {
    return { Put: { TableName: this.tableName, Item: item, ConditionExpression: 'attribute_not_exists(pk)' } };
  }

  private delete(key: Item): TransactWriteItem {
    return { Delete: { TableName: this.tableName, Key: key } };
  }
}

function customerKey(id: string) {
  return { pk: { S: `customer#${id}` }, sk: { S: 'customer' } };
}

function attachmentKey(customerId: string, id: string): Item {
  return { pk: customerKey(customerId).pk, sk: { S: `attachment#${id}` } };
}

function reservationKey(kind: 'cpf' | 'email', value: string): Item {
  return { pk: { S: `${kind}#${value}` }, sk: { S: 'reserved' } };
}

function reservation(kind: 'cpf' | 'email', value: string, customerId: string): Item {
  return { ...reservationKey(kind, value), customerId: { S: customerId } };
}

function toItem({ id, version, address, ...texts }: Customer): Item {
  const textAttributes = (values: object): Item =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { S: String(value) }]));
  return {
    ...customerKey(id),
    ...textAttributes(texts),
    address: { M: textAttributes(address) },
    version: { N: String(version) },
  };
}

function fromItem(item: Item): Customer {
  const text = (name: string): string => item[name]!.S!;
  const address = Object.entries(item['address']!.M!).map(([name, value]) => [name, value.S!]);
  return {
    id: text('pk').slice('customer#'.length),
    version: Number(item['version']!.N),
    cpf: text('cpf'),
    name: text('name'),
    email: text('email'),
    telephone: text('telephone'),
    address: Object.fromEntries(address) as unknown as Address,
    registeredAt: text('registeredAt'),
    changedAt: text('changedAt'),
  };
}
