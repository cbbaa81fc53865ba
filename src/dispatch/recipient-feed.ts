import type { PositionRange } from '../domain/batch-plan.ts';
import { freshUntil, type QueuedRecipient } from './read-recipients.ts';

/** A recipient for one thread. */
export interface Fed {
  readonly queued: QueuedRecipient;
  /** Monotonic time, milliseconds, until which the recipient counts as just read. */
  readonly until: number;
}

export interface FeedOptions {
  readonly range: PositionRange;
  /** The next recipients of a range without an outcome that are due, in the order of their positions, `limit` at the most. */
  readonly read: (range: PositionRange, limit: number) => Promise<readonly QueuedRecipient[]>;
  /** How many to read at a time. */
  readonly groupSize: () => number;
  /**
   * Where nobody may be mailed twice: told of each group before the first of it is given out, and when all of the last one
   * are settled. False where nothing is to be handed over.
   */
  readonly announce?: (group: PositionRange) => Promise<boolean>;
}

/** What is left of a group when the next one is read: one part in so many. */
const readAheadPart = 5;

/**
 * Gives the recipients of one batch to its threads, each to one, and reads them by groups ahead of need. What was read and not
 * given out in time is read again: a "no" said in between is honoured.
 *
 * Nothing that was given out is read again while the batch runs, for its outcome may not be in the books yet; only one
 * that was given back, by itself.
 */
export class RecipientFeed {
  private ready: Fed[] = [];
  /** How many of `ready` are given out already. */
  private given = 0;
  /** The first position that was not read. */
  private next: number;
  private reading: Promise<void> | undefined;
  /** Goes up when what is being read is not wanted any more. */
  private generation = 0;
  /** The first of a group is given out however old it is, so that it goes on however slow everything is. */
  private isFirstOfGroup = false;
  private lastGroup = 0;
  private groupMaximum = Number.POSITIVE_INFINITY;
  private returned: number[] = [];
  private unsettled = 0;
  /** How many have an outcome or were put off. */
  done = 0;
  /** Monotonic time at which the first was given out, milliseconds. */
  begunAt: number | undefined;
  private allSettled: (() => void) | undefined;
  /** Whether it was told to stop. */
  isStopped = false;

  constructor(private readonly options: FeedOptions) {
    this.next = options.range.first;
  }

  /** Nobody is left to be given out, or nobody is to be. */
  get isOver(): boolean {
    return (
      this.isStopped ||
      (this.given >= this.ready.length &&
        this.next > this.options.range.last &&
        this.returned.length === 0 &&
        this.reading === undefined)
    );
  }

  /** From the first recipient that was not attempted to the end; undefined where all were. To be asked when nobody is given out. */
  get rest(): PositionRange | undefined {
    const { last } = this.options.range;
    const first = Math.min(...this.returned, this.ready[this.given]?.queued.position ?? this.next);
    return first > last ? undefined : { first, last };
  }

  /** Recipients, or positions that were not read yet, that nobody was given. */
  get left(): number {
    const unread = Math.max(0, this.options.range.last - this.next + 1);
    return this.ready.length - this.given + this.returned.length + unread;
  }

  /** Gives nothing more. */
  stop(): void {
    this.isStopped = true;
    this.allSettled?.();
  }

  /** The next recipient; undefined where there is none, or it was stopped. */
  async take(): Promise<Fed | undefined> {
    while (!this.isStopped) {
      const fed = this.takeNow();
      if (fed !== undefined) return fed;
      if (this.isOver) return undefined;
      await this.readGroup();
    }
    return undefined;
  }

  /** The next recipient where one is ready. */
  takeNow(): Fed | undefined {
    if (this.isStopped) return undefined;
    const fed = this.ready[this.given];
    if (fed === undefined) return undefined;
    if (!this.isFirstOfGroup && performance.now() > fed.until) {
      this.forgetReady(fed);
      return undefined;
    }
    this.isFirstOfGroup = false;
    this.begunAt ??= performance.now();
    this.given++;
    this.unsettled++;
    if (this.options.announce === undefined) this.readAhead();
    return fed;
  }

  /** It has its outcome, or was put off. */
  settled(): void {
    this.done++;
    this.isBack();
  }

  /** It was not attempted. */
  giveBack({ queued }: Fed): void {
    this.returned.push(queued.position);
    this.isBack();
  }

  private isBack(): void {
    this.unsettled--;
    if (this.unsettled === 0) this.allSettled?.();
  }

  private forgetReady({ queued }: Fed): void {
    // As many as were used in time are read next.
    this.groupMaximum = Math.max(1, this.lastGroup - (this.ready.length - this.given));
    this.next = queued.position;
    this.ready = [];
    this.given = 0;
    this.generation++;
    this.reading = undefined;
  }

  private readAhead(): void {
    const left = this.ready.length - this.given;
    if (
      this.reading === undefined &&
      left * readAheadPart <= this.lastGroup &&
      this.next <= this.options.range.last
    )
      // Its failure is told to whoever waits for it.
      this.readGroup().catch(() => undefined);
  }

  private async readGroup(): Promise<void> {
    if (this.reading === undefined) {
      const reading = this.readOnce(this.generation).finally(() => {
        if (this.reading === reading) this.reading = undefined;
      });
      this.reading = reading;
    }
    await this.reading;
  }

  private async readOnce(generation: number): Promise<void> {
    const { range, announce } = this.options;
    if (announce !== undefined) await this.untilSettled();
    if (this.isStopped) return;
    // Where groups are announced, before the next of them: in the database no announcement follows one that lies behind it.
    const isTheirTurn = this.next > range.last || announce !== undefined;
    const alone = isTheirTurn && this.returned.length > 0 ? Math.min(...this.returned) : undefined;
    const askedAt = performance.now();
    const limit = Math.min(this.options.groupSize(), this.groupMaximum);
    const asked =
      alone === undefined ? { first: this.next, last: range.last } : { first: alone, last: alone };
    const group = await this.options.read(asked, limit);
    const until = freshUntil(askedAt);
    if (generation !== this.generation) return;
    const [head, tail] = [group[0], group.at(-1)];
    if (head !== undefined && tail !== undefined && announce !== undefined) {
      if (!(await announce({ first: head.position, last: tail.position }))) return this.stop();
    }
    if (alone === undefined) this.next = tail === undefined ? range.last + 1 : tail.position + 1;
    // Others may have been given back meanwhile.
    else this.returned = this.returned.filter((position) => position !== alone);
    const left = this.ready.slice(this.given);
    if (left.length === 0) this.isFirstOfGroup = true;
    this.ready = [...left, ...group.map((queued) => ({ queued, until }))];
    this.given = 0;
    this.lastGroup = group.length;
    // The last ones were used up in time: more of them now.
    this.groupMaximum *= 2;
  }

  private async untilSettled(): Promise<void> {
    if (this.unsettled === 0 || this.isStopped) return;
    await new Promise<void>((resolve) => {
      this.allSettled = resolve;
    });
    this.allSettled = undefined;
  }
}
