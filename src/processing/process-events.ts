import { sql } from 'drizzle-orm';
import { defaultConfigSettings } from '../config/exm-config.ts';
import { hadAddress } from '../contacts/addresses/address-history.ts';
import type { Database, Queries } from '../db/connect.ts';
import { applyFeedback } from './apply-feedback.ts';
import type { BounceSettings } from './bounce-policy.ts';
import type { RateSettings } from './campaign-rates.ts';
import { claimEvents } from './claim-events.ts';
import {
  type AgentEvent,
  type CountedRecipient,
  type FoldedEvents,
  foldEvents,
  isFeedback,
  type KnownInteraction,
  repeatWindowMs,
} from './fold-events.ts';
import { noteCrossings } from './note-crossings.ts';

/**
 * Turns up to `limit` events of the inbox into interactions and aggregates, in one transaction: an event is in the
 * inbox or in the numbers, whatever dies meanwhile, and never twice. Any number of processes may do it at once.
 *
 * @returns how many events it took; 0 where there are none, or other processors have them in hand.
 */
export async function processEvents(
  db: Database,
  limit: number,
  settings: BounceSettings & RateSettings = defaultConfigSettings,
): Promise<{ processed: number }> {
  return await db.transaction(async (tx) => {
    const events = await claimEvents(tx, limit);
    if (events.length === 0) return { processed: 0 };
    const folded = foldEvents(
      events,
      await knownInteractions(tx, events),
      await countedRecipients(tx, events),
    );
    await insertInteractions(tx, folded);
    await addRepeats(tx, folded);
    await forgetBounces(tx, folded);
    await applyFeedback(tx, followedUp(events, folded), settings);
    // Last, because all processors of a campaign share these rows.
    await addToStatistics(tx, folded);
    await noteCrossings(tx, campaignsOfFeedback(folded), settings);
    return { processed: events.length };
  });
}

/**
 * What something follows from for the contact: each bounce that counts, and each complaint, also about the same message again,
 * for it may have been taken back by hand since.
 */
function followedUp(events: readonly AgentEvent[], { interactions }: FoldedEvents): AgentEvent[] {
  const isComplaint = ({ type }: AgentEvent) => type === 'SpamComplaint';
  return [...interactions.filter((one) => !isComplaint(one)), ...events.filter(isComplaint)];
}

function campaignsOfFeedback({ statistics }: FoldedEvents): string[] {
  return [...new Set(statistics.filter(isFeedback).map(({ campaignId }) => campaignId))];
}

/** The interactions that the events may be repeats of. */
async function knownInteractions(tx: Queries, all: readonly AgentEvent[]): Promise<KnownInteraction[]> {
  const events = all.filter((event) => !isFeedback(event));
  const { rows } = await tx.execute<Omit<KnownInteraction, 'id'> & { id: string }>(sql`
    select distinct i.id, i.type, i.campaign_id as "campaignId", i.position, i.link, i.agent,
           floor(extract(epoch from i.at) * 1000)::float8 as "at"
      from json_to_recordset(${JSON.stringify(events)}::json)
             as e("campaignId" text, type text, position int, at float8)
      join interaction i on i.campaign_id = e."campaignId" and i.type = e.type and i.position = e.position
       and i.at between to_timestamp((e.at - ${repeatWindowMs}) / 1000) and to_timestamp((e.at + ${repeatWindowMs}) / 1000)`);
  const known = rows.map((row) => ({ ...row, id: Number(row.id) }));
  return [...known, ...(await knownFeedback(tx, all.filter(isFeedback)))];
}

/** All bounces and complaints about the messages that these are about. */
async function knownFeedback(tx: Queries, events: readonly AgentEvent[]): Promise<KnownInteraction[]> {
  if (events.length === 0) return [];
  const { rows } = await tx.execute<Omit<KnownInteraction, 'id'> & { id: string }>(sql`
    select distinct on (i.id) i.id, i.type, i.campaign_id as "campaignId", i.position, i.link, i.agent, i.detail,
           floor(extract(epoch from i.at) * 1000)::float8 as "at"
      from json_to_recordset(${JSON.stringify(events)}::json) as e("campaignId" text, type text, position int)
      join interaction i on i.campaign_id = e."campaignId" and i.type = e.type and i.position = e.position`);
  return rows.map((row) => ({ ...row, id: Number(row.id) }));
}

async function countedRecipients(tx: Queries, events: readonly AgentEvent[]): Promise<CountedRecipient[]> {
  const { rows } = await tx.execute<CountedRecipient & Record<string, unknown>>(sql`
    select distinct e."campaignId", e.type, e.position, e.agent
      from json_to_recordset(${JSON.stringify(events)}::json)
             as e("campaignId" text, type text, position int, agent text)
     where exists (select from interaction i
                    where i.campaign_id = e."campaignId" and i.type = e.type and i.position = e.position
                      and i.agent = e.agent)`);
  return rows;
}

async function insertInteractions(tx: Queries, { interactions }: FoldedEvents): Promise<void> {
  if (interactions.length === 0) return;
  await tx.execute(sql`
    insert into interaction (type, campaign_id, position, contact_id, link, agent, repeats, detail, at)
    select type, "campaignId", position, "contactId", link, agent, repeats, detail, to_timestamp(at / 1000)
      from json_to_recordset(${JSON.stringify(interactions)}::json)
             as e(type text, "campaignId" text, position int, "contactId" bigint, link smallint, agent text,
                  repeats int, detail jsonb, at float8)`);
}

async function addRepeats(tx: Queries, { repeats }: FoldedEvents): Promise<void> {
  if (repeats.length === 0) return;
  await tx.execute(sql`
    update interaction i set repeats = i.repeats + e.repeats
      from json_to_recordset(${JSON.stringify(repeats)}::json) as e(id bigint, repeats int)
     where i.id = e.id`);
}

/** A click shows that the mailbox is read which the message went to: where that is the present one, its bounces count no longer. */
async function forgetBounces(tx: Queries, { clicked }: FoldedEvents): Promise<void> {
  if (clicked.length === 0) return;
  const sentAt = sql`coalesce((select o.at from dispatch_outcome o
                                where o.campaign_id = e."campaignId" and o.position = e.position limit 1),
                              to_timestamp(e.at / 1000))`;
  await tx.execute(sql`
    update contact set bounce_count = 0, updated_at = now()
     where id in (select contact.id
                    from json_to_recordset(${JSON.stringify(clicked)}::json)
                           as e("campaignId" text, position int, "contactId" bigint, at float8)
                    join contact on contact.id = e."contactId"
                   where contact.bounce_count <> 0 and ${hadAddress(sentAt, 'email_key')} = contact.email_key
                   order by contact.id for update of contact)`);
}

/** In one order by all processors, so that they wait for each other and never in a circle. */
async function addToStatistics(tx: Queries, { statistics }: FoldedEvents): Promise<void> {
  if (statistics.length === 0) return;
  await tx.execute(sql`
    insert into campaign_statistic as s (campaign_id, type, agent, total, "unique")
    select e."campaignId", e.type, e.agent, e.total, e."unique"
      from json_to_recordset(${JSON.stringify(statistics)}::json)
             as e("campaignId" text, type text, agent text, total int, "unique" int)
      join campaign c on c.id = e."campaignId"
     order by e."campaignId", e.type, e.agent
    on conflict (campaign_id, type, agent)
    do update set total = s.total + excluded.total, "unique" = s."unique" + excluded."unique"`);
}
