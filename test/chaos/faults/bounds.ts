/** How many messages a fault may repeat at the most. Everything that is not named here repeats nobody. */

/** Threads of each dispatcher that `exm up` starts: `--threads` of `exm worker`. */
export const slotsPerDispatcher = 10;

/**
 * A dispatcher that is killed, or whose batches are given to another because it was out of touch for too long: the
 * message on the wire of each slot. What had been answered stands in the journal on the host's disk.
 */
export const repeatsOfLostDispatcher = slotsPerDispatcher;

/**
 * While Temporal is away its heartbeats go on counting, and batches are taken from dispatchers that live. They hand them
 * back, unless a message waits for its answer for longer than they are waited for, as it may when the mail server or the
 * database is ill at the same time.
 */
export const repeatsOfTakenDispatcher = slotsPerDispatcher;

/** A message that the mail server received, whose answer was lost with the connection: nobody can tell that it was received. */
export const repeatsOfLostAnswer = 1;

/** A slot sends nothing more once an outcome has waited for so long to be recorded. Milliseconds. */
const longestUnrecordedMs = 250;

/** Messages that go out at the most once the database has gone: until that is noticed, and the message on the wire of each slot. */
export function messagesWithoutDatabase(dispatchers: number, sleepMs: number): number {
  return dispatchers * slotsPerDispatcher * (1 + Math.ceil(longestUnrecordedMs / sleepMs));
}
