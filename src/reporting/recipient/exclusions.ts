import { and, asc, desc, eq } from 'drizzle-orm';
import { listsOfContact } from '../../contacts/audience/campaign-lists.ts';
import { type ExclusionSettings, holdsAtSending } from '../../contacts/audience/exclusion.ts';
import type { SendLimits } from '../../contacts/audience/send-limit.ts';
import { optOutOf, suppressionOf } from '../../contacts/consent/refusals.ts';
import type { Queries } from '../../db/connect.ts';
import { campaignList, contactList, listOptOut } from '../../db/schema.ts';
import type { ExclusionReason } from '../../domain/outcome.ts';
import type { CampaignListEntry, HeldExclusion } from './recipient-report.ts';

/** The lists of a campaign, the included ones first, and what an address is to them. */
export async function listsOfCampaign(
  db: Queries,
  campaignId: string,
  { key, contactId }: { readonly key: string; readonly contactId: number | undefined },
): Promise<CampaignListEntry[]> {
  const isOn = contactId === undefined ? new Set<number>() : await listsOfContact(db, campaignId, contactId);
  const rows = await db
    .select({
      id: contactList.id,
      name: contactList.name,
      role: campaignList.role,
      since: listOptOut.createdAt,
      reason: listOptOut.reason,
    })
    .from(campaignList)
    .innerJoin(contactList, eq(contactList.id, campaignList.listId))
    .leftJoin(listOptOut, and(eq(listOptOut.listId, contactList.id), eq(listOptOut.emailKey, key)))
    .where(eq(campaignList.campaignId, campaignId))
    .orderBy(desc(campaignList.role), asc(contactList.name));
  return rows.map(({ id, name, role, since, reason }) => ({
    name,
    role,
    isMember: isOn.has(id),
    optOut: since === null ? null : { since: since.toISOString(), reason: reason ?? '' },
  }));
}

/** What is known of each reason that holds for an address. */
export async function withDetails(
  db: Queries,
  reasons: readonly ExclusionReason[],
  about: {
    readonly key: string;
    readonly lists: readonly CampaignListEntry[];
    readonly bounceCount: number;
    readonly settings: ExclusionSettings;
  },
): Promise<HeldExclusion[]> {
  const { key, lists, bounceCount, settings } = about;
  const optedOut = reasons.includes('global-opt-out') ? await optOutOf(db, key) : null;
  const suppressed = reasons.includes('suppression-list') ? await suppressionOf(db, key) : null;
  const optOuts = lists.filter(({ role, optOut }) => role === 'include' && optOut !== null);
  const details: Partial<Record<ExclusionReason, { detail: string | null; since: string | null }>> = {
    'excluded-list': {
      detail: names(lists.filter(({ role, isMember }) => role === 'exclude' && isMember)),
      since: null,
    },
    'global-opt-out': { detail: optedOut?.reason ?? null, since: optedOut?.since.toISOString() ?? null },
    'suppression-list': {
      detail: suppressed && `${suppressed.cause}: ${suppressed.reason}`,
      since: suppressed?.since.toISOString() ?? null,
    },
    'undelivered-maximum': {
      detail: `${bounceCount}, and UndeliveredMaximum is ${settings.undeliveredMaximum}`,
      since: null,
    },
    'send-limit': { detail: inWords(settings.sendLimits), since: null },
    'list-opt-out': {
      detail: names(optOuts),
      since:
        optOuts
          .map(({ optOut }) => optOut?.since ?? '')
          .sort()
          .at(-1) ?? null,
    },
  };
  return reasons.map((reason) => ({
    reason,
    detail: null,
    since: null,
    ...details[reason],
    holdsAtSending: holdsAtSending(reason),
  }));
}

/** `1 a day, 3 a week` */
function inWords({ day, week, month }: Partial<SendLimits> = {}): string {
  const each = Object.entries({ day, week, month });
  return each.flatMap(([period, most]) => (most === undefined ? [] : [`${most} a ${period}`])).join(', ');
}

function names(lists: readonly CampaignListEntry[]): string {
  return lists.map(({ name }) => name).join(', ');
}
