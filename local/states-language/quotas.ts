/** The service's limits that an execution can run into. */

/** Numbers from the service's quota page (see aws-facts §5.1). */
export const quotas = {
  /** Input, output or result of a task, state or execution, as UTF-8. */
  payloadBytes: 262_144,
  historyEvents: 25_000,
  /** Default of `TimeoutSeconds` and `HeartbeatSeconds`: what the service does, not the 60 of the language's text. */
  taskSeconds: 99_999_999,
  standardExecutionMs: 365 * 24 * 3600 * 1000,
  expressExecutionMs: 5 * 60 * 1000,
  /** An Express execution has no history limit, only five minutes. Virtual time stands still between states,
   * so that a loop without a Wait would never end: this many states take the service longer than that. */
  expressTransitions: 100_000,
  redrivableMs: 14 * 24 * 3600 * 1000,
  mapRunConcurrency: 10_000,
  inlineMapConcurrency: 40,
} as const;
