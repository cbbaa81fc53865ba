import { type SQL, sql } from 'drizzle-orm';
import type { Queries } from '../db/connect.ts';
import type { LanguageRules } from '../domain/language-choice.ts';
import { type ExclusionReason, exclusionReasons } from '../domain/outcome.ts';
import { unknownCampaign } from '../reporting/totals.ts';
import { type CampaignLists, listsOf, readLists, saysNoToLists } from './campaign-lists.ts';
import {
  type ExclusionSettings,
  everyExclusion,
  exclusionCase,
  exclusionJoins,
  exclusionJoinsForMany,
  type FurtherConditions,
} from './exclusion.ts';

/** `languages` are those for which the campaign has a body. */
export interface AudienceSettings extends ExclusionSettings, LanguageRules {}

/**
 * Who gets a campaign, counted. Every membership of an included list is accounted for once:
 * memberships = queued + the sum of `excluded`.
 *
 * A person has one reason, the first that holds in the order of `exclusionReasons`. `list-opt-out` is that of a person
 * who has opted out of all included lists it is on; who is on another one too gets the campaign by that.
 *
 * `duplicate-address` counts something else: memberships of the same person beyond the first, over several included
 * lists, opted out of or not. As a contact is one address (contact.email_key is unique), nobody gets it twice by two
 * contacts of the same address either.
 */
export interface AudienceCounts {
  readonly queued: number;
  readonly excluded: Partial<Record<ExclusionReason, number>>;
}

/**
 * Who would get the campaign if it were queued now. Changes nothing.
 * @throws InputError CAMPAIGN_UNKNOWN
 */
export async function audienceOf(
  db: Queries,
  campaignId: string,
  settings: ExclusionSettings,
): Promise<AudienceCounts> {
  await requireCampaign(db, campaignId);
  const lists = await readLists(db, campaignId);
  const { rows } = await db.execute<JudgedCount>(
    sql`with ${judgedAudience(lists, settings)} ${countJudged(lists)}`,
  );
  return audienceCounts(rows);
}

/** Why a contact is not queued for a campaign, by the very rules of QueueMessage. */
export interface JudgedContact {
  /** Whether it is on an included list. */
  readonly isIncluded: boolean;
  /** Every reason that holds now. */
  readonly reasons: readonly ExclusionReason[];
}

/** Judges one contact as `audienceOf` would if the campaign were queued now. */
export async function judgeContact(
  db: Queries,
  campaignId: string,
  contactId: number,
  settings: ExclusionSettings,
): Promise<JudgedContact> {
  const lists = listsOf(campaignId);
  const conditions: FurtherConditions = {
    'excluded-list': isOnOneOf(lists.excluded),
    'list-opt-out': saysNoToLists(lists),
  };
  const { rows } = await db.execute<{ isIncluded: boolean; reasons: ExclusionReason[] }>(sql`
    select ${isOnOneOf(lists.included)} as "isIncluded", ${everyExclusion(settings, conditions)} as reasons
    from contact ${exclusionJoins(settings)} where contact.id = ${contactId}`);
  return rows[0] ?? { isIncluded: false, reasons: [] };
}

/** Every reason that holds for an address that is no contact: those that are kept by address. */
export async function judgeAddress(
  db: Queries,
  key: string,
  settings: ExclusionSettings,
): Promise<readonly ExclusionReason[]> {
  const { rows } = await db.execute<{ reasons: ExclusionReason[] }>(sql`
    select ${everyExclusion(settings)} as reasons
    from (select ${key}::text as email_key, false as do_not_market, false as consent_revoked, 0 as bounce_count) contact
    ${exclusionJoins(settings)}`);
  return rows[0]?.reasons ?? [];
}

/**
 * The common table expression `judged`: one row per contact of the campaign's included lists, with the contact's `id`
 * and `language`, and the `reason` for which it gets nothing (null: it gets it). Materialized, for it is read twice:
 * to queue and to count.
 */
export function judgedAudience(lists: CampaignLists, settings: ExclusionSettings): SQL {
  const hasOptedOut = sql`select email_key from list_opt_out where list_id = any ${lists.included}`;
  const conditions: FurtherConditions = {
    'excluded-list': sql`excluded.contact_id is not null`,
    'list-opt-out': saysNoToLists(lists, sql`opted_out.email_key is not null`),
  };
  return sql`judged as materialized (
    select contact.id, contact.language, ${exclusionCase(settings, conditions)} as reason
    from contact
      left join (
        select distinct contact_id from list_member where list_id = any ${lists.excluded}
      ) excluded on excluded.contact_id = contact.id
      ${exclusionJoinsForMany(settings, { opted_out: hasOptedOut })}
    where ${isOnOneOf(lists.included)}
  )`;
}

function isOnOneOf(lists: SQL): SQL {
  return sql`contact.id in (select contact_id from list_member where list_id = any ${lists})`;
}

export type JudgedCount = { reason: ExclusionReason | null; people: number; memberships: number };

/** Counts the rows of `judged`, and in the same snapshot the memberships; read by `audienceCounts`. */
export function countJudged({ included }: CampaignLists): SQL {
  return sql`select reason, count(*)::integer as people, (
      select count(*)::integer from list_member where list_id = any ${included}
    ) as memberships
    from judged group by reason`;
}

export function audienceCounts(rows: readonly JudgedCount[]): AudienceCounts {
  const people = new Map(rows.map((row) => [row.reason, row.people]));
  const distinct = rows.reduce((sum, row) => sum + row.people, 0);
  people.set('duplicate-address', (rows[0]?.memberships ?? 0) - distinct);
  const excluded: Partial<Record<ExclusionReason, number>> = {};
  for (const reason of exclusionReasons) {
    const count = people.get(reason) ?? 0;
    if (count > 0) excluded[reason] = count;
  }
  return { queued: people.get(null) ?? 0, excluded };
}

/** @returns what QueueMessage stored for the campaign; undefined where it has not been queued. */
export async function requireCampaign(db: Queries, campaignId: string): Promise<AudienceCounts | undefined> {
  const { rows } = await db.execute<{ queued: number | null; excluded: AudienceCounts['excluded'] }>(
    sql`select queued, excluded from campaign where id = ${campaignId}`,
  );
  const [campaign] = rows;
  if (campaign === undefined) throw unknownCampaign(campaignId);
  return campaign.queued === null ? undefined : { queued: campaign.queued, excluded: campaign.excluded };
}
