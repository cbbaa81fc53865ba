import { sql } from 'drizzle-orm';
import { hadAddress } from '../contacts/addresses/address-history.ts';
import { countLeftBounces } from '../contacts/addresses/left-mailbox.ts';
import { putOnSuppressionList } from '../contacts/consent/put-on-suppression-list.ts';
import { saidAgain } from '../contacts/consent/said-again.ts';
import type { Queries } from '../db/connect.ts';
import type { BounceClass } from '../domain/feedback.ts';
import { type BounceSettings, consequencesOf, type FeedbackFact } from './bounce-policy.ts';
import type { AgentEvent } from './fold-events.ts';

/**
 * Does to contacts what follows from the bounces and complaints among `events`, which are stored already. The
 * transaction holds the events of these contacts: nobody else counts for them meanwhile.
 */
export async function applyFeedback(
  tx: Queries,
  events: readonly AgentEvent[],
  settings: BounceSettings,
): Promise<void> {
  const feedback = events.filter(({ type }) => type === 'Bounce' || type === 'SpamComplaint');
  if (feedback.length === 0) return;
  const { bounceCounts, leftBounces, suppressed, optedOut } = consequencesOf(
    await factsOf(tx, feedback),
    settings,
  );
  if (bounceCounts.size > 0) {
    await tx.execute(sql`
      update contact c set bounce_count = e.count, updated_at = now()
        from unnest(${sql.param([...bounceCounts.keys()])}::bigint[], ${sql.param([...bounceCounts.values()])}::int[])
               as e(id, count)
       where c.id = e.id`);
  }
  await countLeftBounces(tx, leftBounces);
  if (suppressed.length > 0) {
    await putOnSuppressionList(
      tx,
      sql`select key, cause, reason, null::timestamptz as since
            from json_to_recordset(${JSON.stringify(suppressed)}::json) as e(key text, cause text, reason text)`,
    );
  }
  await addOptOuts(tx, optedOut);
}

async function addOptOuts(tx: Queries, reasons: ReadonlyMap<string, string>): Promise<void> {
  if (reasons.size === 0) return;
  // In one order by all processors.
  await tx.execute(sql`
    insert into global_opt_out (email_key, reason)
    select e.key, e.reason
      from unnest(${sql.param([...reasons.keys()])}::text[], ${sql.param([...reasons.values()])}::text[]) as e(key, reason)
     order by e.key
    ${sql.raw(saidAgain('global_opt_out'))}`);
}

/**
 * In the order in which they happened. A message went to the address of when it was handed over, which for a bounce that has no
 * outcome is when it came. Contacts that are gone are left out.
 */
async function factsOf(tx: Queries, events: readonly AgentEvent[]): Promise<FeedbackFact[]> {
  const ids = [...new Set(events.map(({ contactId }) => contactId))];
  await tx.execute(
    sql`select from contact where id = any(${sql.param(ids)}::bigint[]) order by id for update`,
  );
  const { rows } = await tx.execute<{
    type: FeedbackFact['type'];
    campaignId: string;
    contactId: string;
    class: BounceClass | null;
    emailKey: string;
    bounceCount: number;
    sentTo: string;
    formerBounceCount: number;
    isOutlived: boolean;
    hard: number;
    soft: number;
  }>(sql`
    select e.type, e."campaignId", e."contactId", e.class, contact.email_key as "emailKey", contact.bounce_count as "bounceCount",
           "to".key as "sentTo", coalesce(mailbox.bounce_count, 0) as "formerBounceCount",
           to_timestamp(e.at / 1000) <= clicked.at as "isOutlived", coalesce(bounced.hard, 0)::int as hard,
           coalesce(bounced.soft, 0)::int as soft
      from json_to_recordset(${JSON.stringify(events.map(({ detail, ...event }) => ({ ...event, class: detail?.class })))}::json)
             as e(type text, "campaignId" text, position int, "contactId" bigint, class text, at float8)
      join contact on contact.id = e."contactId"
     cross join lateral (
       select coalesce((select o.at from dispatch_outcome o
                         where o.campaign_id = e."campaignId" and o.position = e.position limit 1),
                       to_timestamp(e.at / 1000)) as at) sent
     cross join lateral (select ${hadAddress(sql`sent.at`, 'email_key')} as key) "to"
      left join left_mailbox mailbox on mailbox.email_key = "to".key
     cross join lateral (
       select coalesce(max(k.at), '-infinity') as at
         from interaction k left join dispatch_outcome o on o.campaign_id = k.campaign_id and o.position = k.position
        where k.contact_id = contact.id and k.type = 'EmailClicked' and k.agent = 'person'
          and ${hadAddress(sql`coalesce(o.at, k.at)`, 'email_key')} = "to".key) clicked
      left join lateral (
        select count(*) filter (where b.detail->>'class' = 'hard') as hard,
               count(*) filter (where b.detail->>'class' = 'soft') as soft
          from interaction b
          left join dispatch_outcome o on o.campaign_id = b.campaign_id and o.position = b.position
         where b.contact_id = contact.id and b.type = 'Bounce' and b.at > clicked.at
           and ${hadAddress(sql`coalesce(o.at, b.at)`, 'email_key')} = contact.email_key) bounced on true
     order by e.at`);
  return rows.map(({ contactId, sentTo, ...row }) => ({
    ...row,
    contactId: Number(contactId),
    formerKey: sentTo === row.emailKey ? undefined : sentTo,
  }));
}
