/** What the portal's function is configured with at synth. */
import * as z from 'zod';
import { validationRules } from '../validation-rules';

/** Longest that an address for a file, a part or a result is good for. It is a bearer token: whoever has it may use it. */
export const addressLifetimeSeconds = 15 * 60;

export const portalSettings = z.object({
  ledgerTable: z.string(),
  sourceBucket: z.string(),
  /** Empty, or the beginning of every key. */
  sourcePrefix: z.string().default(''),
  /** End of every key that starts the workflow. */
  sourceSuffix: z.string().default(''),
  /** What the workflow will ask of the file: what it would reject is refused before it is sent. */
  rules: validationRules,
  /** Bigger files are sent in parts. */
  multipartFromBytes: z.number().int().min(1),
  /** Members of these groups may use the portal. Empty: every user of the pool. */
  groups: z.array(z.string()).default([]),
  /** In front of the scopes' names: the identifier of the resource server and `/`. */
  scopePrefix: z.string(),
});
export type PortalSettings = z.output<typeof portalSettings>;
