import { sql } from 'drizzle-orm';
import type { Queries } from '../db/connect.ts';
import type { VariantFigures } from '../domain/ab-test.ts';
import { type Agent, classifyAgent } from '../processing/classify-agent.ts';

/** What the recipients of an A/B test did, and of those behind it who get the winner. */
export interface TestFigures {
  /** By variant, A first: of those whom the variant was dealt to. */
  readonly variants: readonly VariantFigures[];
  /** Opens, clicks and values of those who were not dealt a variant. */
  readonly remainder: Pick<VariantFigures, 'opened' | 'clicked' | 'value'>;
}

/**
 * Counts what recipients did, also what stands in the inbox still: an event that was stored counts, however far the
 * processing role has come. To be called in a snapshot, in which each event is in one of the two places.
 *
 * - Opened: by a person, or by the image proxy of a mailbox provider, without which nobody who reads there would count;
 *   proxies that fetch unread mail too do so for every variant alike. Who clicked has opened it.
 * - Clicked, and goals reached: by persons alone. A goal counts once for each recipient.
 * - Of those alone whom it was sent to for certain.
 *
 * The queue and the ledger are looked up by position and never joined: see `hasNoOutcome`.
 */
export async function testFigures(
  db: Queries,
  campaignId: string,
  { testSize, variants }: { readonly testSize: number; readonly variants: number },
): Promise<TestFigures> {
  const dealt = await db.execute<{ variant: number; recipients: number; sent: number }>(sql`
    select q.variant, count(*)::int as recipients, count(*) filter (where ${wasSent('q')})::int as sent
      from dispatch_queue q
     where q.campaign_id = ${campaignId} and q.position between 1 and ${testSize} and q.variant is not null
     group by q.variant`);
  const done = await whatRecipientsDid(db, campaignId);
  const of = (variant: number | null) => {
    const { opened = 0, clicked = 0, value = 0 } = done.find((one) => one.variant === variant) ?? {};
    return { opened, clicked, value };
  };
  return {
    variants: Array.from({ length: variants }, (_, variant) => {
      const { recipients = 0, sent = 0 } = dealt.rows.find((one) => one.variant === variant) ?? {};
      return { variant, recipients, sent, ...of(variant) };
    }),
    remainder: of(null),
  };
}

type Done = { variant: number | null; opened: number; clicked: number; value: number };

async function whatRecipientsDid(db: Queries, campaignId: string): Promise<Done[]> {
  const inInbox = await agentsInInbox(db, campaignId);
  const by = (agent: Agent) =>
    sql`user_agent = any(${sql.param(inInbox.filter((one) => one.agent === agent).map((one) => one.userAgent))}::text[])`;
  const { rows } = await db.execute<Done>(sql`
    with happened as (
      select type, position, link, agent from interaction
       where campaign_id = ${campaignId} and type in ('EmailOpened', 'EmailClicked')
      union all
      select type, position, link,
             case when ${by('person')} then 'person' when ${by('image-proxy')} then 'image-proxy' end
        from event_inbox
       where campaign_id = ${campaignId} and type in ('EmailOpened', 'EmailClicked')
    ),
    counted as (
      select position, link, type = 'EmailClicked' as clicked from happened
       where agent = 'person' or (agent = 'image-proxy' and type = 'EmailOpened')
    ),
    did as materialized (
      select ${campaignId}::text as campaign_id, position, bool_or(clicked) as clicked,
             array_agg(link) filter (where clicked) as links
        from counted group by position
    )
    select (select variant from dispatch_queue q
             where q.campaign_id = did.campaign_id and q.position = did.position) as variant,
           count(*)::int as opened, count(*) filter (where clicked)::int as clicked,
           coalesce(sum((select sum(g.value) from campaign_goal g
                          where g.campaign_id = did.campaign_id and g.link = any(did.links))), 0)::float8 as value
      from did where ${wasSent('did')} group by 1`);
  return rows;
}

function wasSent(recipient: 'q' | 'did') {
  const r = sql.raw(recipient);
  return sql`(select true from dispatch_outcome o
               where o.campaign_id = ${r}.campaign_id and o.position = ${r}.position and o.kind = 'sent')`;
}

/** Who the user agents are that stand in the inbox: telling that is code and no query. */
async function agentsInInbox(db: Queries, campaignId: string) {
  const { rows } = await db.execute<{ userAgent: string }>(sql`
    select distinct user_agent as "userAgent" from event_inbox where campaign_id = ${campaignId}`);
  return rows.map(({ userAgent }) => ({ userAgent, agent: classifyAgent(userAgent) }));
}
