import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../db/connect.ts';
import { messageOf } from '../domain/error-message.ts';
import { UnavailableError } from '../domain/errors.ts';
import { LastingTrouble } from '../lasting-trouble.ts';
import type { Logger } from '../logging.ts';

/** An open or a click, as content-delivery saw it. */
export interface TrackingEvent {
  readonly type: 'EmailOpened' | 'EmailClicked';
  readonly campaignId: string;
  readonly position: number;
  readonly contactId: number;
  /** Number of the tracked link; null for an open. */
  readonly link: number | null;
  readonly userAgent: string;
  readonly at: Date;
}

/** Events stored by one statement at the most. */
const groupMaximum = 500;
/** Events that wait for the database at the most: some 20 MB. */
const waitingMaximum = 50_000;
/** A statement that takes longer is given up and tried again. Milliseconds. */
const statementTimeoutMs = 5_000;
const retryMs = { first: 100, longest: 2_000 };
/** Characters kept of what a program says it is. */
const userAgentMaximum = 300;

interface Waiting {
  readonly event: TrackingEvent;
  readonly done: () => void;
}

/**
 * Stores opens and clicks: what comes while a statement is under way is stored by the next one, so that groups are as large
 * as the load asks for and nobody waits for a group to fill. While the database is away, events wait in memory, bounded, and are
 * stored as soon as it is back: they are lost only where this process is killed in that time.
 */
export class EventInbox {
  readonly #db: Database;
  readonly #log: Logger;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  #givenUp = false;
  readonly #trouble: LastingTrouble;

  constructor(db: Database, log: Logger) {
    this.#db = db;
    this.#log = log;
    this.#trouble = new LastingTrouble(
      log,
      'events wait for the database',
      'the database takes events again',
    );
  }

  /** How many events are not stored yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Settles when the event is stored. @throws UnavailableError INBOX_FULL at once where too many wait already. */
  store(event: TrackingEvent): Promise<void> {
    if (this.#waiting.length >= waitingMaximum) {
      return Promise.reject(
        new UnavailableError('INBOX_FULL', `More than ${waitingMaximum} events wait for the database.`, {
          hint: 'Events are refused until the database takes them again.',
        }),
      );
    }
    return new Promise((done) => {
      this.#waiting.push({ event, done });
      this.#running ??= this.#run();
    });
  }

  /** Stores what waits, for at most so long. @returns how many events are lost. */
  async close(patienceMs: number): Promise<number> {
    const timer = setTimeout(() => {
      this.#givenUp = true;
    }, patienceMs);
    await this.#running;
    clearTimeout(timer);
    if (this.#waiting.length > 0)
      this.#log.error({ events: this.#waiting.length }, 'events lost at the stop');
    return this.#waiting.length;
  }

  async #run(): Promise<void> {
    // What came with the same turn of the event loop goes into the same statement.
    await new Promise(setImmediate);
    let pauseMs = retryMs.first;
    while (this.#waiting.length > 0 && !this.#givenUp) {
      const group = this.#waiting.slice(0, groupMaximum);
      try {
        await this.#insertAll(group.map(({ event }) => event));
        this.#waiting = this.#waiting.slice(group.length);
        for (const { done } of group) done();
        this.#trouble.ended();
        pauseMs = retryMs.first;
      } catch (error) {
        this.#trouble.met({ err: messageOf(error), waiting: this.#waiting.length });
        await sleep(pauseMs);
        pauseMs = Math.min(pauseMs * 2, retryMs.longest);
      }
    }
    this.#running = undefined;
  }

  async #insertAll(events: readonly TrackingEvent[]): Promise<void> {
    try {
      await this.#insert(events);
    } catch (error) {
      if (!isDataError(error)) throw error;
      // One event the database will never take must not hold up the others.
      for (const event of events) {
        await this.#insert([event]).catch((cause: unknown) => {
          if (!isDataError(cause)) throw cause;
          this.#log.error({ err: messageOf(cause), type: event.type }, 'event refused by the database');
        });
      }
    }
  }

  async #insert(events: readonly TrackingEvent[]): Promise<void> {
    const statement = {
      name: 'store-events',
      text: `insert into event_inbox (type, campaign_id, position, contact_id, link, user_agent, at)
             select * from unnest($1::text[], $2::text[], $3::int[], $4::bigint[], $5::smallint[], $6::text[],
                                  $7::timestamptz[])`,
      values: [
        events.map(({ type }) => type),
        events.map(({ campaignId }) => campaignId),
        events.map(({ position }) => position),
        events.map(({ contactId }) => contactId),
        events.map(({ link }) => link),
        events.map(({ userAgent }) => cleanUserAgent(userAgent)),
        events.map(({ at }) => at.toISOString()),
      ],
      query_timeout: statementTimeoutMs,
    };
    await this.#db.$client.query(statement);
  }
}

/** What a program says it is, in a form that every database takes. */
export function cleanUserAgent(userAgent: string): string {
  return userAgent
    .toWellFormed()
    .replace(/\p{Cc}+/gu, ' ')
    .slice(0, userAgentMaximum);
}

/** SQLSTATE classes 22 (data exception) and 23 (constraint violation): trying again does not help. */
function isDataError(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && /^2[23]...$/.test(code);
}
