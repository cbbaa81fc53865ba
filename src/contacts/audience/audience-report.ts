import { sql } from 'drizzle-orm';
import type { Queries } from '../../db/connect.ts';
import { type ExclusionReason, exclusionReasons } from '../../domain/outcome.ts';
import { requireCampaign } from './audience.ts';
import { type CampaignLists, membershipsOf, membersOf, withClause, withSegments } from './campaign-lists.ts';
import type { ExclusionSettings } from './exclusion.ts';
import { type AudienceCounts, audienceWithAllReasons, nameTable, readAudience } from './judged-audience.ts';
import type { NamedRecipients } from './managed/name-recipients.ts';
import { createNameTable } from './managed/name-table.ts';

/** Who gets a campaign: memberships = queued + the sum of `excluded`, in all and for each list. */
export interface AudienceReport extends AudienceCounts {
  /** `now`: as if it were queued now. `queued`: what was stored when it was. */
  readonly basis: 'now' | 'queued';
  /** Of included lists: somebody on two of them has two. Or how many a DispatchManager named. */
  readonly memberships: number;
  /** Whether a DispatchManager named them; what was stored does not say so. */
  readonly isNamed: boolean;
  /** Null where it is queued: by list, and who was left out for two reasons, is not kept. */
  readonly lists: AudienceLists | null;
}

export interface AudienceLists {
  /** In the order in which a person who is on several counts for one: the first that they have not opted out of. */
  readonly included: readonly IncludedList[];
  readonly excluded: readonly ExcludedList[];
  readonly overlaps: AudienceOverlaps;
}

export interface IncludedList extends AudienceCounts {
  readonly name: string;
  readonly isSegment: boolean;
  readonly memberships: number;
}

export interface ExcludedList {
  readonly name: string;
  readonly isSegment: boolean;
  readonly members: number;
  /** Those who are on an included list, too: for them alone it makes a difference. */
  readonly onIncluded: number;
}

export interface AudienceOverlaps {
  /** Reasons that hold together, the most frequent first: who is no longer left out for one still is for the other. */
  readonly reasons: readonly {
    readonly reasons: readonly [ExclusionReason, ExclusionReason];
    readonly people: number;
  }[];
  /** People on several included lists. */
  readonly onSeveralLists: number;
  /** People on an included and on an excluded list. */
  readonly onExcludedLists: number;
}

/** People who are alike: in which list, as the how-manieth of their memberships (3: a later one), and why they are left out. */
type Group = { listId: number; place: number; reasons: ExclusionReason[] | null; people: number };

/**
 * Everything that is known of a campaign's audience before it is queued, or what was stored then. Changes nothing.
 *
 * @param db best a snapshot, so that all numbers are of one moment; a transaction that may write where some are named
 * @param named whom a DispatchManager named, instead of who is on the included lists
 * @throws InputError CAMPAIGN_UNKNOWN, SEGMENT_WRONG
 */
export async function audienceReport(
  db: Queries,
  campaignId: string,
  settings: ExclusionSettings,
  named?: NamedRecipients,
): Promise<AudienceReport> {
  const stored = await requireCampaign(db, campaignId);
  if (stored !== undefined)
    return {
      basis: 'queued',
      queued: stored.queued,
      excluded: inOrder(stored.excluded),
      memberships: stored.queued + sumOf(stored.excluded),
      isNamed: false,
      lists: null,
    };
  const isNamed = named !== undefined;
  if (isNamed) await createNameTable(db, named);
  const audience = await readAudience(db, campaignId, settings, isNamed);
  const { lists } = audience;
  const memberships = isNamed
    ? sql`select 0 as list_id, contact_id from ${nameTable}`
    : membershipsOf(lists.included);
  const { rows } = await db.execute<Group>(sql`
    ${withClause(audienceWithAllReasons(audience))}
    select list_id as "listId", place, reasons, count(*)::int as people
      from (
        select membership.list_id, judged.reasons,
               least(row_number() over (
                 partition by membership.contact_id order by own.list_id is not null, membership.list_id
               ), 3)::int as place
          from (${memberships}) membership
          left join judged on judged.id = membership.contact_id
          left join list_opt_out own on own.list_id = membership.list_id and own.email_key = judged.email_key
      ) placed
     group by list_id, place, reasons`);
  const unknown = named?.unknown ?? 0;
  const { queued, excluded } = countsOf(rows);
  return {
    basis: 'now',
    memberships: sum(rows) + unknown,
    isNamed,
    queued,
    excluded: unknown === 0 ? excluded : { ...excluded, 'unknown-contact': unknown },
    lists: {
      included: (isNamed ? [] : lists.included.all).map(({ id, name, expression }) => {
        const own = rows.filter((row) => row.listId === id);
        return { name, isSegment: expression !== null, memberships: sum(own), ...countsOf(own) };
      }),
      excluded: isNamed ? [] : await excludedLists(db, lists),
      overlaps: {
        reasons: pairsOf(rows.filter(isFirst)),
        onSeveralLists: sum(rows.filter((row) => row.place === 2)),
        onExcludedLists: sum(
          rows.filter((row) => isFirst(row) && row.reasons?.includes('excluded-list') === true),
        ),
      },
    },
  };
}

/** By this membership a person is counted; all others are of the same address once more. */
const isFirst = ({ place, reasons }: Group) => place === 1 && reasons !== null;

function countsOf(rows: readonly Group[]): AudienceCounts {
  const excluded: Partial<Record<ExclusionReason, number>> = {};
  for (const reason of exclusionReasons) {
    const those = rows.filter((row) => (isFirst(row) ? row.reasons?.[0] : 'duplicate-address') === reason);
    if (those.length > 0) excluded[reason] = sum(those);
  }
  return { queued: sum(rows.filter((row) => isFirst(row) && row.reasons?.length === 0)), excluded };
}

function pairsOf(rows: readonly Group[]): AudienceOverlaps['reasons'] {
  const pairs = exclusionReasons.flatMap((first, index) =>
    exclusionReasons.slice(index + 1).map((second) => [first, second] as const),
  );
  return pairs
    .map((reasons) => ({
      reasons,
      people: sum(rows.filter((row) => reasons.every((one) => row.reasons?.includes(one) === true))),
    }))
    .filter(({ people }) => people > 0)
    .sort((a, b) => b.people - a.people);
}

async function excludedLists(db: Queries, lists: CampaignLists): Promise<ExcludedList[]> {
  if (lists.excluded.all.length === 0) return [];
  const { rows } = await db.execute<{ id: number; members: number; onIncluded: number }>(sql`
    ${withClause(withSegments(lists))}
    select list_id as id, count(*)::int as members, count(included.contact_id)::int as "onIncluded"
      from (${membershipsOf(lists.excluded)}) membership
      left join (select distinct contact_id from (${membersOf(lists.included)}) member) included
        on included.contact_id = membership.contact_id
     group by list_id`);
  return lists.excluded.all.map(({ id, name, expression }) => {
    const { members, onIncluded } = rows.find((row) => row.id === id) ?? { members: 0, onIncluded: 0 };
    return { name, isSegment: expression !== null, members, onIncluded };
  });
}

function sum(rows: readonly { readonly people: number }[]): number {
  return rows.reduce((all, { people }) => all + people, 0);
}

/** JSON in the database keeps no order. */
function inOrder(excluded: AudienceCounts['excluded']): AudienceCounts['excluded'] {
  const entries = exclusionReasons.map((reason) => [reason, excluded[reason] ?? 0] as const);
  return Object.fromEntries(entries.filter(([, people]) => people > 0));
}

export function sumOf(excluded: AudienceCounts['excluded']): number {
  return Object.values(excluded).reduce((all, count) => all + count, 0);
}
