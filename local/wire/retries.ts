/** How often clients of the simulator repeat a failed call. */

/** The attempts that the SDK makes by default. */
export const maximumAttempts = 3;
