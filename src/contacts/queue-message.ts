import { type SQL, sql } from 'drizzle-orm';
import type { Database } from '../db/connect.ts';
import { firstFallback, longestFirst } from '../domain/language-choice.ts';
import { analyseWhereStale } from './analyse-where-stale.ts';
import {
  type AudienceCounts,
  type AudienceSettings,
  audienceCounts,
  countJudged,
  type JudgedCount,
  judgedAudience,
  requireCampaign,
} from './audience.ts';
import { type CampaignLists, readLists } from './campaign-lists.ts';

/** Who waited for the lock has to see what its holder stored. */
const readCommitted = { isolationLevel: 'read committed' } as const;

export interface QueueSettings extends AudienceSettings {
  readonly test?: DealtTest | undefined;
}

/** An A/B test, as far as it concerns who gets which variant. */
export interface DealtTest {
  /** How many of all recipients get it, percent. At least one for each variant do, where there are so many. */
  readonly share: number;
  readonly variants: number;
}

/** Any constant: the first half of the advisory lock of a campaign that is being queued. */
const queueLock = 0x6578_6d71;

/**
 * EXM's QueueMessage: fills the DispatchQueue of a campaign with everybody who is to get it, at positions 1 to n in
 * the order of the contacts' ids, each in the language of a body that exists. Of a campaign with an A/B test those who
 * get the test stand first.
 *
 * One transaction writes the queue, campaign.queued and campaign.excluded. Called again, after a crash or at the same
 * time, it returns what the first call stored: nobody is queued twice.
 *
 * @throws InputError CAMPAIGN_UNKNOWN
 */
export async function queueMessage(
  db: Database,
  campaignId: string,
  settings: QueueSettings,
): Promise<AudienceCounts> {
  await analyseWhereStale(db);
  return await db.transaction(async (tx) => {
    // Not a lock on the campaign's row: a pause or cancel, which writes there, must not wait for a long list.
    await tx.execute(sql`select pg_advisory_xact_lock(${queueLock}, hashtext(${campaignId}))`);
    const stored = await requireCampaign(tx, campaignId);
    if (stored !== undefined) return stored;
    const lists = await readLists(tx, campaignId);
    await tx.execute(sql`set local work_mem = '128MB'`);
    await tx.execute(sql`set local jit = off`);
    const { rows } = await tx.execute<JudgedCount & { testSize?: number }>(
      settings.test === undefined
        ? fillQueue(campaignId, lists, settings)
        : fillQueueForTest(campaignId, lists, settings, settings.test),
    );
    const counts = audienceCounts(rows);
    const testSize = settings.test === undefined ? null : (rows[0]?.testSize ?? 0);
    await tx.execute(sql`
      update campaign set queued = ${counts.queued}, excluded = ${JSON.stringify(counts.excluded)}::jsonb,
             test_size = ${testSize}
      where id = ${campaignId}`);
    return counts;
  }, readCommitted);
}

function fillQueue(campaignId: string, lists: CampaignLists, settings: AudienceSettings): SQL {
  return sql`
    with ${judgedAudience(lists, settings)},
    queued as (
      insert into dispatch_queue (campaign_id, position, contact_id, variant, language)
      select ${campaignId}, row_number() over (order by id), id, 0, ${languageOfBody(settings)}
      from judged where reason is null
    )
    ${countJudged(lists)}`;
}

/**
 * Those who get the test stand first, drawn by a hash of campaign and contact, and in its order the variants are dealt
 * to them one by one. Everybody else follows in the order of the contacts' ids.
 *
 * Two sorts and no join: how many are drawn the planner cannot know, and where it takes them for few it compares each with
 * each.
 */
function fillQueueForTest(
  campaignId: string,
  lists: CampaignLists,
  settings: AudienceSettings,
  test: DealtTest,
): SQL {
  const { share, variants } = test;
  return sql`
    with ${judgedAudience(lists, settings)},
    test as materialized (
      select least(count(*), greatest(ceil(count(*) * ${share}::numeric / 100), ${variants}::int))::int as size
      from judged where reason is null
    ),
    drawn as (
      select id, language, row_number() over (order by hashint8extended(id, hashtextextended(${campaignId}, 0)), id) as place
      from judged where reason is null
    ),
    dealt as (
      select id, language, case when place <= (select size from test) then place end as place from drawn
    ),
    queued as (
      insert into dispatch_queue (campaign_id, position, contact_id, variant, language)
      select ${campaignId}, row_number() over (order by place, id), id, (place - 1) % ${variants}::int,
             ${languageOfBody(settings)}
      from dealt
    )
    select counted.*, (select size from test) as "testSize" from (${countJudged(lists)}) as counted`;
}

/** `chooseLanguage` as SQL, over the column `language`. */
function languageOfBody({ languages, fallback = {}, defaultLanguage }: AudienceSettings): SQL {
  const otherwise = sql`${defaultLanguage}::text`;
  const own = longestFirst(languages).map((body) => [body, body] as const);
  const others = longestFirst(Object.keys(fallback)).map(
    (tag) => [tag, firstFallback(fallback[tag], languages) ?? defaultLanguage] as const,
  );
  const branches = [...own, ...others].map(
    ([tag, body]) => sql`when language = ${tag} or starts_with(language, ${`${tag}-`}) then ${body}::text`,
  );
  return branches.length === 0 ? otherwise : sql`case ${sql.join(branches, sql` `)} else ${otherwise} end`;
}
