import { sql } from 'drizzle-orm';
import { LeftJournals } from '../../../src/dispatch/journal/left-journals.ts';
import { createLogger } from '../../../src/logging.ts';
import { useTestDatabase } from '../../support/database.ts';
import { queuedCampaign } from '../../support/dispatch-host.ts';
import { useTestFolder } from '../../support/test-folder.ts';
import { waitingForLocks } from '../../support/waiting-for-locks.ts';

export const log = createLogger('test');

/** A folder of journals that somebody has left, and the books that they are entered in. */
export function useLeftBooks() {
  const database = useTestDatabase();
  const folder = useTestFolder();

  const people = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ email: `p${Math.random()}-${index + 1}@example.com` }));
  const query = async <Row extends object>(text: string, ...values: unknown[]) =>
    (await database.db.$client.query<Row>(text, values)).rows;

  /** A campaign whose batch 1 was taken by "killed", as attempt 1. */
  async function takenCampaign(announced?: { first: number; last: number }) {
    const { campaignId } = await queuedCampaign(database.db, people(30));
    await query(
      `insert into dispatch_batch (campaign_id, batch, first, last, lease, server, announced_first, announced_last, announced_at)
       values ($1, 1, 1, 30, 1, 'killed', $2, $3, case when $2::int is null then null else now() end)`,
      campaignId,
      announced?.first,
      announced?.last,
    );
    const queue = await query<{ contact: string }>(
      'select contact_id::text as contact from dispatch_queue where campaign_id = $1 order by position',
      campaignId,
    );
    return {
      campaignId,
      of: { campaignId, batch: 1, lease: 1 },
      contactOf: (position: number) => Number(queue[position - 1]?.contact),
    };
  }

  /** Does something while nobody can enter anything for a campaign. */
  async function whileLocked<Result>(campaignId: string, work: () => Promise<Result>): Promise<Result> {
    return await database.db.transaction(async (tx) => {
      await tx.execute(sql`select from campaign where id = ${campaignId} for update`);
      return await work();
    });
  }

  const isAnyWaiting = async () => (await waitingForLocks(database.db)) > 0;
  const leftJournals = () =>
    new LeftJournals({ dir: folder.path, db: database.db, server: 'd1', log, own: [] });
  const enter = async () => await leftJournals().enter();
  const books = async (campaignId: string) =>
    Object.fromEntries(
      (
        await query<{ position: number; kind: string }>(
          'select position, kind from dispatch_outcome where campaign_id = $1 order by position',
          campaignId,
        )
      ).map(({ position, kind }) => [position, kind]),
    );
  const counts = async (campaignId: string) =>
    (
      await query(
        `select sent, failed, in_doubt as "inDoubt", announced_first as announced from dispatch_batch where campaign_id = $1 and batch = 1`,
        campaignId,
      )
    )[0];

  return {
    database,
    folder,
    query,
    takenCampaign,
    whileLocked,
    leftJournals,
    isAnyWaiting,
    enter,
    books,
    counts,
  };
}
