import { type SQL, sql } from 'drizzle-orm';
import type { Queries } from '../../db/connect.ts';
import { type ExclusionReason, exclusionReasons } from '../../domain/outcome.ts';
import {
  type CampaignLists,
  isOnOneOf,
  type ListsInRole,
  membersOf,
  readLists,
  saysNoToLists,
  withSegments,
} from './campaign-lists.ts';
import {
  type ExclusionSettings,
  everyExclusion,
  exclusionCase,
  exclusionJoinsForMany,
  type FurtherConditions,
} from './exclusion.ts';
import {
  type CountedCampaigns,
  contactsAtLimit,
  countedCampaigns,
  hasLimits,
  letsNothingThrough,
} from './send-limit.ts';

/** The temporary table of whom a DispatchManager named. */
export const nameTable = sql.identifier('named_recipient');

/** What has to be known of a campaign before its people can be judged. */
export interface Audience {
  readonly lists: CampaignLists;
  readonly settings: ExclusionSettings;
  /** Where send limits are set. */
  readonly counted: CountedCampaigns | undefined;
  /** Whether it is whom a DispatchManager named, by the table of `nameTable`, and not who is on the included lists. */
  readonly isNamed: boolean;
}

export async function readAudience(
  db: Queries,
  campaignId: string,
  settings: ExclusionSettings,
  isNamed = false,
): Promise<Audience> {
  const { sendLimits } = settings;
  return {
    lists: await readLists(db, campaignId),
    settings,
    counted: hasLimits(sendLimits) ? await countedCampaigns(db, campaignId, sendLimits) : undefined,
    isNamed,
  };
}

/**
 * Common table expressions, of which the last is `judged`: one row per contact of the campaign's included lists, with the
 * contact's `id` and `language`, and the `reason` for which it gets nothing (null: it gets it). Materialized, for it is
 * read several times: to queue, to book and to count.
 */
export function judgedAudience(audience: Audience): SQL[] {
  const { lists, settings, isNamed } = audience;
  const reason = exclusionCase(settings, conditionsOf(audience));
  const judged = isNamed
    ? sql`judged as materialized (
    select contact.id, coalesce(named.language, contact.language) as language, named.variant, named.place, ${reason} as reason
    from named join contact on contact.id = named.contact_id ${joinsOf(audience)}
  )`
    : sql`judged as materialized (
    select contact.id, contact.language, ${reason} as reason
    from contact ${joinsOf(audience)}
    where ${isOnOneOf(lists.included)}
  )`;
  return [...withSegments(lists), ...withLimited(audience), ...withNamed(audience), judged];
}

/** Of whoever is named several times the first time counts. */
function withNamed({ isNamed }: Audience): SQL[] {
  if (!isNamed) return [];
  return [
    sql`named as materialized (
    select distinct on (contact_id) contact_id, place, variant, language from ${nameTable} order by contact_id, place
  )`,
  ];
}

/** The same with all reasons that hold, as an array in their order. */
export function audienceWithAllReasons(audience: Audience): SQL[] {
  const { lists, settings, isNamed } = audience;
  const isAsked = isNamed
    ? sql`contact.id in (select contact_id from ${nameTable})`
    : isOnOneOf(lists.included);
  const judged = sql`judged as materialized (
    select contact.id, contact.email_key, ${everyExclusion(settings, conditionsOf(audience))} as reasons
    from contact ${joinsOf(audience)}
    where ${isAsked}
  )`;
  return [...withSegments(lists), ...withLimited(audience), judged];
}

function conditionsOf({ lists, settings: { sendLimits } }: Audience): FurtherConditions {
  return {
    'excluded-list': sql`excluded.contact_id is not null`,
    'list-opt-out': saysNoToLists(lists, sql`opted_out.email_key is not null`),
    ...(hasLimits(sendLimits)
      ? { 'send-limit': letsNothingThrough(sendLimits) ? sql`true` : sql`limited.contact_id is not null` }
      : {}),
  };
}

/** Each of what excludes is hashed once and asked for every contact. */
function joinsOf({ lists, settings, counted }: Audience): SQL {
  const hasOptedOut = sql`select email_key from list_opt_out where list_id = any ${lists.included.ids}`;
  const limited = counted === undefined ? sql`` : sql`left join limited on limited.contact_id = contact.id`;
  return sql`left join (
        ${distinctMembersOf(lists.excluded)}
      ) excluded on excluded.contact_id = contact.id
      ${limited}
      ${exclusionJoinsForMany(settings, { opted_out: hasOptedOut })}`;
}

function withLimited({ settings: { sendLimits }, counted }: Audience): SQL[] {
  if (counted === undefined || sendLimits === undefined) return [];
  return [sql`limited as materialized (${contactsAtLimit(sendLimits, counted)})`];
}

function distinctMembersOf(lists: ListsInRole): SQL {
  return sql`select distinct contact_id from (${membersOf(lists)}) member`;
}

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

export type JudgedCount = { reason: ExclusionReason | null; people: number; memberships: number };

/** Counts the rows of `judged`, and in the same snapshot the memberships, or how often they were named; read by `audienceCounts`. */
export function countJudged({ lists, isNamed }: Pick<Audience, 'lists' | 'isNamed'>): SQL {
  const memberships = isNamed ? sql`select contact_id from ${nameTable}` : membersOf(lists.included);
  return sql`select reason, count(*)::integer as people, (
      select count(*)::integer from (${memberships}) member
    ) as memberships
    from judged group by reason`;
}

/** @param unknown how many were named who are no contact */
export function audienceCounts(rows: readonly JudgedCount[], unknown = 0): AudienceCounts {
  const people = new Map(rows.map((row) => [row.reason, row.people]));
  const distinct = rows.reduce((sum, row) => sum + row.people, 0);
  people.set('duplicate-address', (rows[0]?.memberships ?? 0) - distinct);
  people.set('unknown-contact', unknown);
  const excluded: Partial<Record<ExclusionReason, number>> = {};
  for (const reason of exclusionReasons) {
    const count = people.get(reason) ?? 0;
    if (count > 0) excluded[reason] = count;
  }
  return { queued: people.get(null) ?? 0, excluded };
}
