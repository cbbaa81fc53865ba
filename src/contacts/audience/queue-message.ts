import { sql } from 'drizzle-orm';
import { advisoryLocks } from '../../db/advisory-locks.ts';
import type { Database } from '../../db/connect.ts';
import { makeRoomForEverybody } from '../../db/room-for-everybody.ts';
import { analyseWhereStale } from '../analyse-where-stale.ts';
import { holdFacetTypes } from '../facets/facet-types.ts';
import { type AudienceSettings, requireCampaign } from './audience.ts';
import { type DealtTest, fillQueue, fillQueueForTest } from './fill-queue.ts';
import { type AudienceCounts, audienceCounts, type JudgedCount, readAudience } from './judged-audience.ts';
import type { NamedRecipients } from './managed/name-recipients.ts';
import { createNameTable } from './managed/name-table.ts';
import { hasLimits, lockSendLimits } from './send-limit.ts';

/** Who waited for the lock has to see what its holder stored. */
const readCommitted = { isolationLevel: 'read committed' } as const;

export interface QueueSettings extends AudienceSettings {
  readonly test?: DealtTest | undefined;
  /** Whom a DispatchManager named, instead of who is on the included lists. */
  readonly named?: NamedRecipients | undefined;
}

/**
 * EXM's QueueMessage: fills the DispatchQueue of a campaign with everybody who is to get it, at positions 1 to n in
 * the order of the contacts' ids, each in the language of a body that exists. Of a campaign with an A/B test those who
 * get the test stand first.
 *
 * One transaction writes the queue, who was left out and why, campaign.queued and campaign.excluded. Called again, after a crash or at the same
 * time, it returns what the first call stored: nobody is queued twice.
 *
 * @throws InputError CAMPAIGN_UNKNOWN, SEGMENT_WRONG
 */
export async function queueMessage(
  db: Database,
  campaignId: string,
  settings: QueueSettings,
): Promise<AudienceCounts> {
  await analyseWhereStale(db);
  return await db.transaction(async (tx) => {
    // Not a lock on the campaign's row: a pause or cancel, which writes there, must not wait for a long list.
    await tx.execute(sql`select pg_advisory_xact_lock(${advisoryLocks.queues}, hashtext(${campaignId}))`);
    const stored = await requireCampaign(tx, campaignId);
    if (stored !== undefined) return stored;
    if (hasLimits(settings.sendLimits)) await lockSendLimits(tx);
    // What a segment takes a facet for is checked, and has to be true still when it is asked.
    await holdFacetTypes(tx);
    const { named, overruled = [] } = settings;
    if (named !== undefined) await createNameTable(tx, named);
    const audience = await readAudience(tx, campaignId, settings, named !== undefined);
    await makeRoomForEverybody(tx, 128);
    const { rows } = await tx.execute<JudgedCount & { testSize?: number }>(
      settings.test === undefined
        ? fillQueue(campaignId, audience, settings)
        : fillQueueForTest(campaignId, audience, settings, settings.test),
    );
    const counts = audienceCounts(rows, named?.unknown);
    const testSize = settings.test === undefined ? null : (rows[0]?.testSize ?? 0);
    await tx.execute(sql`
      update campaign set queued = ${counts.queued}, excluded = ${JSON.stringify(counts.excluded)}::jsonb,
             test_size = ${testSize}, overruled = ${JSON.stringify(overruled)}::jsonb
      where id = ${campaignId}`);
    return counts;
  }, readCommitted);
}
