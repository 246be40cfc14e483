/** What the application is told about where it runs: environment variables that the stack's user data writes. */
import * as z from 'zod';

const text = z.string().min(1);

const environment = z.object({
  CUSTOMER_TABLE: text,
  LEDGER_TABLE: text,
  ATTACHMENT_BUCKET: text,
  RESULT_BUCKET: text,
  QUARANTINE_BUCKET: text,
  /** Who issues the tokens: `https://cognito-idp.<region>.amazonaws.com/<pool>`. */
  TOKEN_ISSUER: z.url(),
  /** Clients whose tokens are accepted, separated by commas. */
  TOKEN_CLIENTS: text.transform((list) => list.split(',')),
  /** Folder on the data volume. */
  DATA_DIRECTORY: text.default('/data'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
  HOST: text.default('0.0.0.0'),
});

/** Names of what the application uses. */
export interface Stores {
  readonly customerTable: string;
  readonly ledgerTable: string;
  readonly attachmentBucket: string;
  readonly resultBucket: string;
  readonly quarantineBucket: string;
}

export interface Settings {
  readonly stores: Stores;
  readonly issuer: string;
  readonly clients: readonly string[];
  readonly dataDirectory: string;
  readonly port: number;
  readonly host: string;
}

/** @throws ZodError naming the variables that are missing or wrong */
export function readSettings(variables: Readonly<Record<string, string | undefined>>): Settings {
  const read = environment.parse(variables);
  return {
    stores: {
      customerTable: read.CUSTOMER_TABLE,
      ledgerTable: read.LEDGER_TABLE,
      attachmentBucket: read.ATTACHMENT_BUCKET,
      resultBucket: read.RESULT_BUCKET,
      quarantineBucket: read.QUARANTINE_BUCKET,
    },
    issuer: read.TOKEN_ISSUER,
    clients: read.TOKEN_CLIENTS,
    dataDirectory: read.DATA_DIRECTORY,
    port: read.PORT,
    host: read.HOST,
  };
}
