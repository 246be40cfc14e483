/** Owns the record of an object version in the ledger: who works on it, and how it ended. Only its owner writes it.
 *
 * Attributes: `bucket key versionId etag sequencer`, `status` (RUNNING, STORED, REJECTED, FAILED), `owner` (execution ARN),
 * `attempt`, `leaseExpiresAt` (epoch seconds), `claimedAt`, `finishedAt` (ISO 8601), `results`, `image`, `recoveryPoint`,
 * `rejection`, `failure` ({ error, cause, at }), and `storedAttempt`: the attempt that last became STORED.
 * The state "Complete" sets `storedAttempt = attempt`, so that a later forced run that fails leaves the record STORED. */

/** How long an execution owns a record without a sign of life. Each task of the workflow renews it;
 * the longest time between two is the longest re-check interval, 30 minutes. */
export const objectLeaseSeconds = 2 * 60 * 60;
