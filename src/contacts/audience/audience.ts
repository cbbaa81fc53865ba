import { sql } from 'drizzle-orm';
import type { Queries } from '../../db/connect.ts';
import type { LanguageRules } from '../../domain/language-choice.ts';
import type { ExclusionReason } from '../../domain/outcome.ts';
import { unknownCampaign } from '../../reporting/totals.ts';
import { isOnOneOf, readLists, saysNoToLists, withClause, withSegments } from './campaign-lists.ts';
import {
  type ExclusionSettings,
  everyExclusion,
  exclusionJoins,
  type FurtherConditions,
} from './exclusion.ts';
import {
  type AudienceCounts,
  audienceCounts,
  countJudged,
  type JudgedCount,
  judgedAudience,
  readAudience,
} from './judged-audience.ts';
import { contactsOfGroupAtLimit, hasLimits, letsNothingThrough } from './send-limit.ts';

export type { AudienceCounts } from './judged-audience.ts';

/** `languages` are those for which the campaign has a body. */
export interface AudienceSettings extends ExclusionSettings, LanguageRules {}

/**
 * Who would get the campaign if it were queued now. Changes nothing.
 * @throws InputError CAMPAIGN_UNKNOWN, SEGMENT_WRONG
 */
export async function audienceOf(
  db: Queries,
  campaignId: string,
  settings: ExclusionSettings,
): Promise<AudienceCounts> {
  await requireCampaign(db, campaignId);
  const audience = await readAudience(db, campaignId, settings);
  const { rows } = await db.execute<JudgedCount>(
    sql`${withClause(judgedAudience(audience))} ${countJudged(audience)}`,
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

/**
 * Judges one contact as `audienceOf` would if the campaign were queued now.
 * @param isQueued it has its place: send limits are looked at as when its turn comes
 */
export async function judgeContact(
  db: Queries,
  campaignId: string,
  contactId: number,
  settings: ExclusionSettings,
  isQueued = false,
): Promise<JudgedContact> {
  const lists = await readLists(db, campaignId);
  const conditions: FurtherConditions = {
    'excluded-list': isOnOneOf(lists.excluded),
    'list-opt-out': saysNoToLists(lists),
    ...limitFor(campaignId, contactId, settings, isQueued),
  };
  const { rows } = await db.execute<{ isIncluded: boolean; reasons: ExclusionReason[] }>(sql`
    ${withClause(withSegments(lists, sql`contact.id = ${contactId}`))}
    select ${isOnOneOf(lists.included)} as "isIncluded", ${everyExclusion(settings, conditions)} as reasons
    from contact ${exclusionJoins(settings)} where contact.id = ${contactId}`);
  return rows[0] ?? { isIncluded: false, reasons: [] };
}

function limitFor(
  campaignId: string,
  contactId: number,
  { sendLimits }: ExclusionSettings,
  isQueued: boolean,
): FurtherConditions {
  if (!hasLimits(sendLimits)) return {};
  if (letsNothingThrough(sendLimits)) return { 'send-limit': sql`true` };
  const contacts = sql`array[${contactId}::bigint]`;
  const reserved = isQueued ? 'earlier' : 'all';
  const atLimit = contactsOfGroupAtLimit(sendLimits, sql`${campaignId}`, contacts, reserved);
  return { 'send-limit': sql`contact.id in (${atLimit})` };
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

/** @returns what QueueMessage stored for the campaign; undefined where it has not been queued. */
export async function requireCampaign(db: Queries, campaignId: string): Promise<AudienceCounts | undefined> {
  const { rows } = await db.execute<{ queued: number | null; excluded: AudienceCounts['excluded'] }>(
    sql`select queued, excluded from campaign where id = ${campaignId}`,
  );
  const [campaign] = rows;
  if (campaign === undefined) throw unknownCampaign(campaignId);
  return campaign.queued === null ? undefined : { queued: campaign.queued, excluded: campaign.excluded };
}
