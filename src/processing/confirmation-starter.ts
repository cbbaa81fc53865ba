import { tidyRequests, waitingRequests } from '../contacts/subscription/waiting-requests.ts';
import type { Database } from '../db/connect.ts';
import { messageOf } from '../domain/error-message.ts';
import { LastingTrouble } from '../lasting-trouble.ts';
import type { Logger } from '../logging.ts';

/** Starts the workflow that sends one request's mail; nothing where it runs already. */
export type StartConfirmation = (requestId: string) => Promise<void>;

/** How often it is looked who waits. Milliseconds. */
const intervalMs = 1_000;
/** A started workflow is left alone for so long; then it is made sure that it still runs. Milliseconds. */
const patienceMs = 300_000;
const tidyIntervalMs = 3_600_000;
/** Workflows that are started in one go. */
const groupMaximum = 50;

/**
 * Has a mail sent for each request to subscribe. Several processors do the same: a workflow is started once by its id.
 * What goes wrong here holds up no events: it is tried again.
 */
export class ConfirmationStarter {
  readonly #started = new Map<string, number>();
  #next = 0;
  #nextTidy = 0;
  readonly #trouble: LastingTrouble;

  constructor(
    private readonly db: Database,
    private readonly start: StartConfirmation,
    log: Logger,
  ) {
    this.#trouble = new LastingTrouble(
      log,
      'mails to confirm subscriptions wait; trying again',
      'mails to confirm subscriptions go out again',
    );
  }

  /** @returns how many it started; 0 without looking where it has just looked. */
  async run(now = performance.now()): Promise<number> {
    if (now < this.#next) return 0;
    this.#next = now + intervalMs;
    for (const [id, at] of this.#started) if (now - at > patienceMs) this.#started.delete(id);
    let count = 0;
    try {
      if (now >= this.#nextTidy) {
        await tidyRequests(this.db);
        this.#nextTidy = now + tidyIntervalMs;
      }
      for (const id of await waitingRequests(this.db, [...this.#started.keys()], groupMaximum)) {
        await this.start(id);
        this.#started.set(id, now);
        count++;
      }
      this.#trouble.ended();
    } catch (error) {
      this.#trouble.met({ err: messageOf(error) });
    }
    return count;
  }
}
