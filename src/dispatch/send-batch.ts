import type { PositionRange } from '../domain/batch-plan.ts';
import type { BatchStop, SendBatchInput } from '../domain/dispatch.ts';
import { UnavailableError } from '../domain/errors.ts';
import type { OutcomeCounts } from '../domain/outcome.ts';
import type { LoadedContent } from './content-cache.ts';
import type { DispatchHost } from './dispatch-host.ts';
import type { Lease } from './lease.ts';
import { logRuleFailures } from './log-rule-failures.ts';
import { freshUntil, groupSize, type QueuedRecipient, readRecipients } from './read-recipients.ts';
import { SendEmail } from './send-email.ts';

export interface BatchResult {
  readonly counts: OutcomeCounts;
  readonly deferred: number;
  readonly rest?: PositionRange;
  readonly stopped?: BatchStop;
}

/** As many messages are announced at a time where nobody may be mailed twice: so many per slot a lost host leaves in doubt. */
const announcedGroup = 20;

/** The activity's attempt at a batch. */
export interface BatchAttempt {
  /** Counts from 1. A later attempt shuts out an earlier one. */
  readonly number: number;
  readonly cancelled: AbortSignal;
}

/**
 * Works through a range of the queue, one message at a time, until it is done or told to stop. What it returns is
 * recorded: the next attempt, or whoever is given the rest, repeats nobody.
 */
export async function sendBatch(
  host: DispatchHost,
  input: SendBatchInput,
  attempt: BatchAttempt,
): Promise<BatchResult> {
  const content = await host.readiness.require(input);
  const ended = host.pace.accepted();
  try {
    return await sendLoaded(host, input, content, attempt);
  } finally {
    ended();
  }
}

async function sendLoaded(
  host: DispatchHost,
  input: SendBatchInput,
  content: LoadedContent,
  attempt: BatchAttempt,
): Promise<BatchResult> {
  const { campaignId, batch, range } = input;
  const lease = await host.recorder.open(campaignId, batch, range, attempt.number);
  // What the activity is cancelled for (an operator ended the workflow) ends the sending; what was sent is recorded.
  const stop = () => lease.tell('drain');
  attempt.cancelled.addEventListener('abort', stop, { once: true });
  if (attempt.cancelled.aborted) stop();
  try {
    const sendEmail = new SendEmail(host, lease, content, input.sendEmail);
    try {
      const next = await sendRange(
        host,
        lease,
        { ...input, atMostOnce: content.frozen.delivery === 'at-most-once' },
        async (queued, until) => await sendEmail.run(queued, until),
      );
      const stopped = stopOf(lease);
      const counts = await host.recorder.close(lease);
      // A batch that was told to stop after its last recipient is done all the same.
      const rest =
        stopped !== undefined && next <= range.last ? { first: next, last: range.last } : undefined;
      return {
        counts,
        deferred: sendEmail.deferred,
        ...(rest === undefined ? {} : { rest, stopped: stopped as BatchStop }),
      };
    } finally {
      sendEmail.close();
    }
  } catch (error) {
    // What was sent before the error must be in the books before anybody is given this batch again.
    await host.recorder.close(lease);
    throw error;
  } finally {
    attempt.cancelled.removeEventListener('abort', stop);
    logRuleFailures(host.log, campaignId, content.frozen);
  }
}

/** @returns the first position that was not attempted */
async function sendRange(
  host: DispatchHost,
  lease: Lease,
  { campaignId, range, atMostOnce }: SendBatchInput & { readonly atMostOnce: boolean },
  send: (queued: QueuedRecipient, until: number) => Promise<boolean>,
): Promise<number> {
  let next = range.first;
  while (next <= range.last && (await host.recorder.mayGoOn(lease))) {
    const size = groupSize(host.recorder.sleepMs, atMostOnce ? announcedGroup : undefined);
    const askedAt = performance.now();
    const group = await readRecipients(
      host.db,
      campaignId,
      { first: next, last: range.last },
      size,
      host.settings,
    );
    const until = freshUntil(askedAt);
    const [head, last] = [group[0], group.at(-1)];
    if (atMostOnce && head !== undefined && last !== undefined) {
      if (!(await host.recorder.announce(lease, { first: head.position, last: last.position }))) return next;
    }
    for (const queued of group) {
      if (!(await host.recorder.mayGoOn(lease))) return queued.position;
      // A slow mail server has held this group up: whoever has said "no" since it was read must be heard. The first is
      // asked about alone then, so that it goes on however slow everything is.
      if (queued !== head && performance.now() > until) break;
      if (!(await send(queued, until))) break;
      next = queued.position + 1;
    }
    if (group.length === 0) return range.last + 1;
  }
  return next;
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
