import { asc, eq, sql } from 'drizzle-orm';
import { emailKey } from '../../contacts/addresses/email-address.ts';
import type { Queries } from '../../db/connect.ts';
import { testSend } from '../../db/schema.ts';
import type { RecipientEvent, RecipientReport } from './recipient-report.ts';

const eventsShown = 100;

/** What a contact did with the message of a campaign, also what the processing role has not seen yet. */
export async function eventsOf(
  db: Queries,
  campaignId: string,
  contactId: number | undefined,
): Promise<Pick<RecipientReport, 'events' | 'moreEvents'>> {
  if (contactId === undefined) return { events: [], moreEvents: 0 };
  const { rows } = await db.execute<RecipientEvent & { all: number } & Record<string, unknown>>(sql`
    select e.type, e.at, e.link, l.url, e.agent, e.repeats, e.detail, (count(*) over ())::int as all
      from (select type, at, link, agent, repeats, detail from interaction
             where contact_id = ${contactId} and campaign_id = ${campaignId}
            union all
            select type, at, link, null, 0, detail from event_inbox
             where contact_id = ${contactId} and campaign_id = ${campaignId}) e
      left join campaign_link l on l.campaign_id = ${campaignId} and l.number = e.link
     order by e.at limit ${eventsShown}`);
  return {
    events: rows.map(({ all: _, ...row }) => ({ ...row, at: new Date(row.at).toISOString() })),
    moreEvents: Math.max(0, (rows[0]?.all ?? 0) - rows.length),
  };
}

/** Test messages of a campaign to an address. */
export async function testsTo(
  db: Queries,
  campaignId: string,
  key: string,
): Promise<RecipientReport['tests']> {
  const rows = await db
    .select()
    .from(testSend)
    .where(eq(testSend.campaignId, campaignId))
    .orderBy(asc(testSend.createdAt));
  return rows.flatMap(({ createdAt, addresses, results }): RecipientReport['tests'] => {
    const at = createdAt.toISOString();
    const sent = results?.filter(({ address }) => emailKey(address) === key) ?? [];
    if (sent.length > 0) return sent.map(({ ok, reply }) => ({ at, ok, reply }));
    const isAsked = results === null && addresses.some((address) => emailKey(address) === key);
    return isAsked ? [{ at, ok: null, reply: null }] : [];
  });
}
