import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { defaultConfigSettings } from '../../../src/config/exm-config.ts';
import { Journal } from '../../../src/dispatch/journal/journal.ts';
import type { Lease } from '../../../src/dispatch/ledger/lease.ts';
import { Recorder } from '../../../src/dispatch/ledger/recorder.ts';
import { type QueuedRecipient, readRecipients } from '../../../src/dispatch/read-recipients.ts';
import { RecipientFeed } from '../../../src/dispatch/recipient-feed.ts';
import type { PositionRange } from '../../../src/domain/batch-plan.ts';
import { createLogger } from '../../../src/logging.ts';
import { countInstructions } from './instructions.ts';
import { postgresCpu, postgresProcesses } from './postgres-cpu.ts';
import type { Stage } from './stage.ts';

export type Part = 'read' | 'compose' | 'record' | 'journal';
export const allParts: readonly Part[] = ['read', 'compose', 'record', 'journal'];

export interface Cost {
  readonly messages: number;
  readonly ms: number;
  /** CPU time of this process and of PostgreSQL, microseconds. */
  readonly own: number;
  readonly postgres: number;
  /** Instructions of both; NaN where perf cannot count them. */
  readonly ownInstructions: number;
  readonly postgresInstructions: number;
}

const threads = 10;
const groupSize = 700;
const batchSize = 10_000;
const encoding = '8bit';
const log = createLogger('measure');
const reply = '250 2.0.0 Ok: queued as 4ZbX1k3fQpz9vT2';

/** Sends to nobody: ten threads read, compose, wait for a turn of the event loop and record, as a dispatcher's do. */
export async function run(stage: Stage, range: PositionRange, parts: ReadonlySet<Part>): Promise<Cost> {
  const { db, campaignId } = stage;
  const journal = parts.has('journal')
    ? new Journal({ dir: join(stage.dir, 'journals'), server: 'd1', log })
    : undefined;
  const recorder = new Recorder({ db, server: 'd1', log, sleepMs: 0, ...(journal ? { journal } : {}) });
  const ownCounter = await countInstructions([process.pid]);
  const postgresCounter = await countInstructions([stage.postmaster, ...postgresProcesses(stage.postmaster)]);
  const ownBefore = process.cpuUsage();
  const postgresBefore = postgresCpu(stage.postmaster);
  const begun = performance.now();
  for (let first = range.first; first <= range.last; first += batchSize) {
    const batch = { first, last: Math.min(range.last, first + batchSize - 1) };
    const lease = await recorder.open(campaignId, first, batch, 1);
    await sendBatch(stage, recorder, lease, batch, parts);
    await recorder.close(lease);
  }
  const ms = performance.now() - begun;
  recorder.stop();
  journal?.close();
  const { user, system } = process.cpuUsage(ownBefore);
  return {
    messages: range.last - range.first + 1,
    ms,
    own: user + system,
    postgres: postgresCpu(stage.postmaster) - postgresBefore,
    ownInstructions: (await ownCounter()) ?? Number.NaN,
    postgresInstructions: (await postgresCounter()) ?? Number.NaN,
  };
}

async function sendBatch(
  { db, campaignId, content }: Stage,
  recorder: Recorder,
  lease: Lease,
  range: PositionRange,
  parts: ReadonlySet<Part>,
): Promise<void> {
  const feed = new RecipientFeed({
    range,
    read: async (rest, limit) =>
      parts.has('read')
        ? await readRecipients(db, campaignId, rest, limit, defaultConfigSettings)
        : madeUp(rest, limit),
    groupSize: () => groupSize,
  });
  const thread = async () => {
    for (let fed = await feed.take(); fed !== undefined; fed = feed.takeNow() ?? (await feed.take())) {
      if (!(await recorder.mayGoOn(lease))) throw new Error(`the batch was told to ${lease.word}`);
      const { position, recipient, variant, language } = fed.queued;
      let messageId = '<test-000000000000.1.000000000000000000000000@example.com>';
      if (parts.has('compose')) {
        ({ messageId } = await content.composer.compose(recipient, position, variant, language, {
          encoding,
        }));
      }
      await turn();
      if (parts.has('record')) {
        recorder.record(lease, {
          position,
          contactId: recipient.contactId,
          outcome: { kind: 'sent', reply, messageId },
          at: new Date(),
        });
      }
      feed.settled();
    }
  };
  await Promise.all(Array.from({ length: threads }, thread));
}

function madeUp({ first, last }: PositionRange, size: number): QueuedRecipient[] {
  return Array.from({ length: Math.min(size, last - first + 1) }, (_, index) => ({
    position: first + index,
    variant: 0,
    language: 'en',
    recipient: {
      contactId: first + index,
      email: `r${first + index}@example.com`,
      firstName: `Name${first + index}`,
      lastName: 'Müller',
      language: 'en',
      facets: { city: 'London', plan: 'gold' },
    },
    exclusion: null,
    attempts: 0,
    sinceFirstAttemptMs: 0,
    hasNewAddress: false,
  }));
}
