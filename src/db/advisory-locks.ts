/**
 * The numbers of PostgreSQL's advisory locks, all in one place so that no two things wait for each other by mistake. A lock
 * alone is its number; of those in the plural each has a second number, that of what is locked.
 *
 * Whoever takes several takes them in this order, so that nobody waits in a circle: a campaign's (`queues`), `sendLimits`,
 * `facetTypes`, the rows of lists that are made, imported into or named by a file of opt-outs, `merge`, `addresses`; then
 * rows, of `subscription_request`, of `contact`, of `left_mailbox`; then `generalNos`; then rows of opt-outs and of the
 * suppression list, by list and address.
 */
export const advisoryLocks = {
  /** Processes that start together migrate one after the other. */
  migration: 0x65786d,
  /** A bucket of contacts whose events are processed. */
  buckets: 0x65786d01,
  /** An address, by its hash. */
  addresses: 0x65786d02,
  /** A campaign that is told to pause itself, by its number. */
  crossings: 0x65786d03,
  /** An address that asks for a subscription, by its hash. */
  subscriptionRequests: 0x65786d05,
  /** Who is on record with a "no" to lists that are still to be made; exclusively: who makes one. */
  generalNos: 0x6578676e,
  facetTypes: 0x65786674,
  merge: 0x65786d69,
  sendLimits: 0x65786d6c,
  /** A campaign that is queued, by the hash of its id. */
  queues: 0x65786d71,
} as const;
