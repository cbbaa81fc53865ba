import { eq } from 'drizzle-orm';
import type { ExclusionSettings } from '../contacts/audience/exclusion.ts';
import type { Database } from '../db/connect.ts';
import { campaign } from '../db/schema.ts';
import { type PositionRange, rangeLength } from '../domain/batch-plan.ts';
import type { BatchStop, SendBatchInput } from '../domain/dispatch.ts';
import { UnavailableError } from '../domain/errors.ts';
import type { OutcomeCounts } from '../domain/outcome.ts';
import type { LoadedContent } from './content-cache.ts';
import type { DispatchHost } from './dispatch-host.ts';
import { dispatchTask } from './dispatch-task.ts';
import type { Lease } from './ledger/lease.ts';
import { logRuleFailures } from './log-rule-failures.ts';
import type { TakenBatch } from './next-batch.ts';
import { postAddressChanges } from './post-address-changes.ts';
import { groupSize, readRecipients } from './read-recipients.ts';
import { RecipientFeed } from './recipient-feed.ts';
import { SendEmail } from './send-email.ts';

export interface BatchResult {
  readonly counts: OutcomeCounts;
  readonly deferred: number;
  readonly rest?: PositionRange;
  readonly stopped?: BatchStop;
  /** Recipients a second; left out where it was too short to tell. */
  readonly pace?: number;
}

/**
 * As many messages of each thread are announced at a time where nobody may be mailed twice: so many a lost host leaves in
 * doubt.
 */
const announcedGroup = 20;
/** A batch that took less says nothing of how fast its host is. Milliseconds. */
const paceMinimumMs = 100;
/** As many are read at a time for each thread; fewer where Sleep is long. */
const readGroup = 140;

/** The activity's attempt at a batch. */
export interface BatchAttempt {
  /** Counts from 1. A later attempt shuts out an earlier one. */
  readonly number: number;
  readonly cancelled: AbortSignal;
}

/**
 * Works through a range of the queue with the threads of this process, until it is done or told to stop. What it returns
 * is recorded: the next attempt, or whoever is given the rest, repeats nobody.
 */
export async function sendBatch(
  host: DispatchHost,
  input: SendBatchInput,
  attempt: BatchAttempt,
): Promise<BatchResult> {
  const work = host.nextBatch.tookBatch();
  try {
    const content = await host.readiness.require(input);
    const ended = host.pace.accepted();
    try {
      return await sendLoaded(host, input, content, attempt, work);
    } finally {
      ended();
    }
  } finally {
    work.ended();
  }
}

async function sendLoaded(
  host: DispatchHost,
  input: SendBatchInput,
  content: LoadedContent,
  attempt: BatchAttempt,
  work: TakenBatch,
): Promise<BatchResult> {
  const { campaignId, batch, range } = input;
  const lease = await host.recorder.open(campaignId, batch, range, attempt.number);
  // What the activity is cancelled for (an operator ended the workflow) ends the sending; what was sent is recorded.
  const stop = () => lease.tell('drain');
  attempt.cancelled.addEventListener('abort', stop, { once: true });
  if (attempt.cancelled.aborted) stop();
  try {
    const { rest, ...done } = await sendRange(host, lease, input, content, work);
    const stopped = stopOf(lease);
    const counts = await close(host, lease);
    // A batch that was told to stop after its last recipient is done all the same.
    return {
      counts,
      ...done,
      ...(stopped === undefined || rest === undefined ? {} : { rest, stopped }),
    };
  } catch (error) {
    // What was sent before the error must be in the books before anybody is given this batch again.
    await close(host, lease);
    throw error;
  } finally {
    attempt.cancelled.removeEventListener('abort', stop);
    logRuleFailures(host.log, campaignId, content.frozen);
  }
}

/** The addresses go when the outcomes are in the books: what was not sent after all is not in the history either. */
async function close(host: DispatchHost, lease: Lease): Promise<OutcomeCounts> {
  const counts = await host.recorder.close(lease);
  if (lease.addressChanges.length > 0) await postAddressChanges(host, lease);
  return counts;
}

/** @returns how many were put off, how fast it went, and what was not attempted, from the first such recipient on */
async function sendRange(
  host: DispatchHost,
  lease: Lease,
  { campaignId, range, sendEmail: steps }: SendBatchInput,
  content: LoadedContent,
  work: TakenBatch,
): Promise<{ deferred: number; pace?: number; rest: PositionRange | undefined }> {
  const { threads, recorder, db, settings } = host;
  const isAtMostOnce = content.frozen.delivery === 'at-most-once';
  const rules = await rulesOf(db, campaignId, settings);
  const perThread = isAtMostOnce ? announcedGroup : readGroup;
  const feed = new RecipientFeed({
    range,
    read: async (asked, limit) => {
      const group = await readRecipients(db, campaignId, asked, limit, rules);
      // Whoever waits for a thread in vain, because nobody is left, has to hear of it.
      if (group.length === 0) setImmediate(() => threads.review());
      return group;
    },
    groupSize: () => threads.count * groupSize(recorder.sleepMs, perThread),
    ...(isAtMostOnce ? { announce: async (group) => await recorder.announce(lease, group) } : {}),
  });
  const count = Math.min(threads.count, rangeLength(range));
  const tasks = Array.from({ length: count }, () => new SendEmail(host, lease, content, steps, rules));
  work.follow(feed);
  const forget = lease.onWake(() => threads.review());
  try {
    // More than once only where it was told to stop, and to go on before it had.
    do {
      const ends = await Promise.allSettled(tasks.map((task) => dispatchTask(host, lease, feed, task)));
      const errors = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
      // What no other host mends is said before what one may.
      const error = errors.find((one) => !(one instanceof UnavailableError)) ?? errors[0];
      if (error !== undefined && !isDoneByOthers(feed)) throw error;
    } while (!feed.isOver && (await recorder.mayGoOn(lease)));
  } finally {
    forget();
  }
  // Before, the threads may have been another batch's.
  const tookMs = feed.begunAt === undefined ? 0 : performance.now() - feed.begunAt;
  return {
    deferred: tasks.reduce((sum, task) => sum + task.deferred, 0),
    rest: feed.rest,
    ...(feed.done === 0 || tookMs < paceMinimumMs ? {} : { pace: Math.ceil((feed.done * 1_000) / tookMs) }),
  };
}

/** What may be sent to whom: what its DispatchManager overruled when it was queued does not count at sending either. */
async function rulesOf(
  db: Database,
  campaignId: string,
  settings: ExclusionSettings,
): Promise<ExclusionSettings> {
  const [row] = await db
    .select({ overruled: campaign.overruled })
    .from(campaign)
    .where(eq(campaign.id, campaignId));
  const { overruled = [] } = row ?? {};
  // The same object for nearly all campaigns: what is made of it is kept.
  return overruled.length === 0 ? settings : { ...settings, overruled };
}

/** Whether all tasks that did not fail have left nothing to do. */
function isDoneByOthers({ isStopped, rest }: RecipientFeed): boolean {
  return !isStopped && rest === undefined;
}

function stopOf(lease: Lease): BatchStop | undefined {
  switch (lease.word) {
    case 'go':
      return undefined;
    case 'pause':
      return 'paused';
    case 'cancel':
      return 'cancelled';
    case 'drain':
      return 'draining';
    case 'lost':
      throw new UnavailableError('LEASE_LOST', 'The batch is in other hands now.');
  }
}
