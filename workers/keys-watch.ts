import type { TrackingKeys } from '../src/config/keys.ts';
import type { Database } from '../src/db/connect.ts';
import { serversThatCannotRead } from '../src/db/unread-keys.ts';
import { messageOf } from '../src/domain/error-message.ts';
import type { Logger } from '../src/logging.ts';
import type { SlotLimit } from './batch-slots.ts';

/** How often it is looked who reads what. Milliseconds. */
const intervalMs = 1_000;

export interface KeysWatchOptions {
  readonly db: Database;
  /** Those that this dispatcher makes links and return paths with. */
  readonly keys: TrackingKeys;
  readonly log: Logger;
  /** Says `ok`, or what is wrong, in the table of servers, and tries it again where it cannot. */
  readonly setHealth: (health: string) => Promise<void>;
}

/**
 * Keeps a dispatcher from sending what nobody could unsubscribe by: as long as a server that answers links, or judges what comes
 * back, does not know the keys of this one, it takes no batch. So processes may be given other keys in any order, one
 * after another, and a slip in the keys of one of them stops the mail instead of breaking its links.
 */
export class KeysWatch implements SlotLimit {
  /** Names of those who cannot read; undefined until it was looked. */
  #unable: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  readonly #listeners: (() => void)[] = [];

  constructor(private readonly options: KeysWatchOptions) {}

  slots(most: number): number {
    return this.#unable === '' ? most : 0;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  start(): void {
    void this.#look();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    const { db, keys, log } = this.options;
    try {
      this.#found((await serversThatCannotRead(db, keys)).join(', '));
    } catch (error) {
      // What was seen last counts: nothing is sent while the database is away.
      log.debug({ err: messageOf(error) }, 'it could not be looked who knows the keys');
    }
    if (!this.#isStopped) this.#timer = setTimeout(() => void this.#look(), intervalMs).unref();
  }

  #found(unable: string): void {
    const before = this.#unable;
    if (unable === before) return;
    this.#unable = unable;
    for (const listener of this.#listeners) listener();
    if (unable === '' && before === undefined) return;
    if (unable === '') this.options.log.info('the keys are known to all who need them');
    else
      this.options.log.warn(
        { servers: unable },
        'no batch is taken: the keys are not known to all who need them',
      );
    const health =
      unable === ''
        ? 'ok'
        : `The keys of its links are not known to ${unable}, where links and return paths would be taken for forged: give all processes the same keys (EXM_EARLIER_KEYS too), and restart them.`;
    // Not waited for: what cannot be written must not keep this from looking.
    this.options.setHealth(health).catch(() => undefined);
  }
}
