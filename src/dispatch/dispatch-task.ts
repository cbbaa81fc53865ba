import { UnavailableError } from '../domain/errors.ts';
import type { DispatchHost } from './dispatch-host.ts';
import type { Lease } from './ledger/lease.ts';
import type { RecipientFeed } from './recipient-feed.ts';
import type { SendEmail } from './send-email.ts';

/** How long a task keeps its thread while another batch waits for one, milliseconds. */
const turnMs = 1_000;

/**
 * EXM's dispatch task: what one thread does for a batch. It takes recipient after recipient until none are left or the
 * batch is told to stop, one message at a time.
 *
 * @throws what ends it early; the other tasks of the batch go on only after an UnavailableError
 */
export async function dispatchTask(
  { threads, recorder }: Pick<DispatchHost, 'threads' | 'recorder'>,
  lease: Lease,
  feed: RecipientFeed,
  sendEmail: SendEmail,
): Promise<void> {
  while (await threads.take(() => !feed.isOver && lease.word === 'go')) {
    try {
      await takeTurn();
    } catch (error) {
      // A mail server that gives this thread no connection may have given others theirs: they go on.
      if (!(error instanceof UnavailableError)) feed.stop();
      throw error;
    } finally {
      sendEmail.close();
      threads.release();
    }
  }

  async function takeTurn(): Promise<void> {
    const ends = performance.now() + turnMs;
    let fed = await feed.take();
    while (fed !== undefined) {
      // Promises are dear, and most of what could be waited for here has happened already.
      const written = recorder.written();
      if (written !== undefined) await written;
      const may = recorder.mayGoOn(lease);
      if (may !== true && !(await may)) {
        feed.giveBack(fed);
        // Told to go on, and not allowed to: the process ends.
        if (lease.word === 'go') feed.stop();
        return;
      }
      const isLast = threads.hasWaiting && performance.now() > ends;
      const upcoming = isLast || !sendEmail.looksAhead ? undefined : feed.takeNow();
      let isAttempted = false;
      try {
        isAttempted = await sendEmail.run(fed, upcoming?.queued);
      } catch (error) {
        if (upcoming !== undefined) feed.giveBack(upcoming);
        throw error;
      } finally {
        if (isAttempted) feed.settled();
        else feed.giveBack(fed);
      }
      if (isLast) return;
      fed = upcoming ?? (await feed.take());
    }
  }
}
