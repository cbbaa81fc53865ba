/** How many messages a fault may repeat at the most. Everything that is not named here repeats nobody. */

/** Threads of each dispatcher that `exm up` starts: `--threads` of `exm worker`. */
export const slotsPerDispatcher = 10;

/** A dispatcher records what it has sent every 75 ms, and the database takes its time too. Milliseconds. */
const unrecordedMs = 250;
/** Messages that a dispatcher sends in a millisecond at the most, on the machines this is run on. */
const fastestPerMs = 2;

/**
 * A dispatcher that is killed, or whose batches are given to another because it was out of touch for too long: what one
 * flush had not recorded, and the message on the wire of each slot.
 *
 * @param sleepMs the Sleep it had
 */
export function repeatsOfLostDispatcher(sleepMs: number): number {
  const bySleep = (slotsPerDispatcher * unrecordedMs) / Math.max(1, sleepMs);
  return slotsPerDispatcher + Math.ceil(Math.min(unrecordedMs * fastestPerMs, bySleep));
}

/** A message that the mail server received, whose answer was lost with the connection: nobody can tell that it was received. */
export const repeatsOfLostAnswer = 1;
