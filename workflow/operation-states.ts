/** The names of the states that wait for a long operation, said once: an operation's id follows from its state's name. */
export const operationStates = {
  process: 'Process on EC2',
  snapshot: 'Snapshot instance',
  backup: 'Back up results',
} as const;
