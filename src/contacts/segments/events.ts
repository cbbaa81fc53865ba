import { type SQL, sql } from 'drizzle-orm';

/** Whose opens are those of somebody who reads: a person's, or of a proxy that fetches images when the person opens. */
const whenOpened = sql`agent in ('person', 'image-proxy')`;

/** What is counted of a contact, each a condition over `interaction`, but for `messages`, which is one over the ledger. */
export const eventFunctions = {
  opens: sql`type = 'EmailOpened' and ${whenOpened}`,
  clicks: sql`type = 'EmailClicked' and agent = 'person'`,
  bounces: sql`type = 'Bounce'`,
  complaints: sql`type = 'SpamComplaint'`,
  unsubscribes: sql`type = 'UnsubscribedFromEmail'`,
  messages: sql`kind = 'sent'`,
} satisfies Readonly<Record<string, SQL>>;
export type EventFunction = keyof typeof eventFunctions;

export const lastEvents = {
  lastOpen: 'opens',
  lastClick: 'clicks',
  lastMessage: 'messages',
} satisfies Readonly<Record<string, EventFunction>>;
export type LastEvent = keyof typeof lastEvents;

/** Events of which something is asked: how many, or when the last. */
export interface EventFilter {
  readonly of: EventFunction;
  /** Only those of the last so many days, today not counted. */
  readonly days?: number | undefined;
  readonly campaignId?: string | undefined;
}

/** Start of the day so many days ago, in UTC. */
export function daysAgo(days: number): SQL {
  return sql`((date_trunc('day', now() at time zone 'UTC') - make_interval(days => ${days}::int)) at time zone 'UTC')`;
}

/** A left join that gives each contact what is asked of the events of one table. */
export class EventJoin {
  readonly #table: 'interaction' | 'dispatch_outcome';
  readonly #columns: SQL[] = [];
  readonly #conditions: SQL[] = [];
  readonly #known = new Map<string, SQL>();

  constructor(table: 'interaction' | 'dispatch_outcome') {
    this.#table = table;
  }

  count(filter: EventFilter): SQL {
    return sql`coalesce(${this.#column(filter, 'count', sql`count(*)`)}, 0)`;
  }

  last(filter: EventFilter): SQL {
    return this.#column(filter, 'last', sql`max(at)`);
  }

  /**
   * @param each asks for each contact by itself, for a few; otherwise the events of all contacts are gone through once.
   */
  join(each: boolean): SQL {
    if (this.#columns.length === 0) return sql``;
    const columns = sql.join(this.#columns, sql`, `);
    const conditions = sql.join(this.#conditions, sql` or `);
    const name = this.#name;
    if (!each) {
      return sql`left join (
        select contact_id, ${columns} from ${sql.identifier(this.#table)} where ${conditions} group by contact_id
      ) ${name} on ${name}.contact_id = contact.id`;
    }
    const own =
      this.#table === 'interaction'
        ? sql`(select * from interaction where interaction.contact_id = contact.id) own`
        : sql`(select outcome.campaign_id, outcome.kind, outcome.at
              from dispatch_queue queue join dispatch_outcome outcome
                on outcome.campaign_id = queue.campaign_id and outcome.position = queue.position
              where queue.contact_id = contact.id) own`;
    return sql`left join lateral (select ${columns} from ${own} where ${conditions}) ${name} on true`;
  }

  get #name() {
    return sql.identifier(`segment_${this.#table}`);
  }

  #column({ of, days, campaignId }: EventFilter, what: string, aggregate: SQL): SQL {
    const key = JSON.stringify([what, of, days, campaignId]);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const parts = [
      eventFunctions[of],
      ...(days === undefined ? [] : [sql`at >= ${daysAgo(days)}`]),
      ...(campaignId === undefined ? [] : [sql`campaign_id = ${campaignId}::text`]),
    ];
    const condition = sql`(${sql.join(parts, sql` and `)})`;
    const column = sql.identifier(`${what}_${this.#columns.length}`);
    this.#columns.push(sql`${aggregate} filter (where ${condition}) as ${column}`);
    this.#conditions.push(condition);
    const reference = sql`${this.#name}.${column}`;
    this.#known.set(key, reference);
    return reference;
  }
}
