import { type SQL, sql } from 'drizzle-orm';
import type { Queries } from '../../db/connect.ts';
import { answeredReasons } from '../../dispatch/bounce-of.ts';
import { doubtReasons } from '../../dispatch/ledger/leave-in-doubt.ts';
import { exclusionReasons } from '../../domain/outcome.ts';
import { addressPattern } from '../addresses/address-pattern.ts';
import { emailKey } from '../addresses/email-address.ts';
import { eraseFeedback } from './erase-feedback.ts';

/** Rows by what they were, for people. */
export type ErasedCounts = Readonly<Record<string, number>>;

/** A person by their number and all addresses that are theirs. */
export interface Person {
  /** Null where there is no contact. */
  readonly contactId: number | null;
  readonly addresses: readonly string[];
}

/**
 * Erases what is found by the person's number or addresses, each by an index: short. Rows that hold nothing else are deleted; in the
 * books only what names the person goes.
 */
export async function eraseEntries(tx: Queries, { contactId, addresses }: Person): Promise<ErasedCounts> {
  const keys = sql`any(${sql.param([...new Set(addresses.map(emailKey))])}::text[])`;
  const id = sql`${contactId}::bigint`;
  const count = async (statement: SQL) => (await tx.execute(statement)).rowCount ?? 0;
  return {
    contact: await count(sql`delete from contact where id = ${id}`),
    'list memberships': await count(sql`delete from list_member where contact_id = ${id}`),
    'earlier addresses': await count(sql`delete from email_address_history where contact_id = ${id}`),
    'bounces at earlier addresses': await count(sql`delete from left_mailbox where email_key = ${keys}`),
    'changes of address under way': await eraseBus(tx, contactId),
    'global opt-outs': await count(sql`
      with general as (delete from general_no where email_key = ${keys})
      delete from global_opt_out where email_key = ${keys}`),
    'opt-outs of lists': await count(sql`delete from list_opt_out where email_key = ${keys}`),
    suppressions: await count(sql`delete from suppression where email_key = ${keys}`),
    'requests to subscribe': await count(
      sql`delete from subscription_request where email_key = ${keys} or contact_id = ${id}`,
    ),
    'replies in the books': await eraseReplies(tx, contactId, addressPattern(addresses)),
    'words of bounces and complaints': await count(sql`
      with inbox as (
        update event_inbox set detail = detail || '{"text":""}' where contact_id = ${id} and detail->>'text' <> ''
        returning 1
      ), interactions as (
        update interaction set detail = detail || '{"text":""}' where contact_id = ${id} and detail->>'text' <> ''
        returning 1
      ) select 1 from inbox union all select 1 from interactions`),
  };
}

/** Erases the person from what others have written. Each text there is has to be read for it, which takes its time. */
export async function eraseMentions(tx: Queries, { contactId, addresses }: Person): Promise<ErasedCounts> {
  const lower = sql`any(${sql.param([...new Set(addresses.flatMap((one) => [one.toLowerCase(), emailKey(one)]))])}::text[])`;
  return {
    'messages that came back': await eraseFeedback(tx, contactId, addresses, lower),
    'test messages': await eraseTests(tx, lower),
    'reasons typed by operators': await eraseTexts(tx, addressPattern(addresses)),
  };
}

async function eraseBus(tx: Queries, contactId: number | null): Promise<number> {
  if (contactId === null) return 0;
  const { rowCount } = await tx.execute(sql`
    update email_address_history_bus set changes = (
      select coalesce(jsonb_agg(change), '[]') from jsonb_array_elements(changes) change
       where (change->>'contactId')::bigint <> ${contactId})
     where changes @> ${JSON.stringify([{ contactId }])}::jsonb`);
  return rowCount ?? 0;
}

/** Reasons that the program itself gives: they name nobody. */
const plainReasons = [...Object.values(answeredReasons), ...Object.values(doubtReasons), ...exclusionReasons];

/** Of a reply its codes stay, of a reason what the program itself says: the numbers of the campaigns do not change. */
async function eraseReplies(tx: Queries, contactId: number | null, pattern: string): Promise<number> {
  if (contactId === null) return 0;
  // Looked up one by one: the ledger has no index by contact, and must not be read as a whole.
  const queued = await tx.execute<{ campaign: string; position: number }>(
    sql`select campaign_id as campaign, position from dispatch_queue where contact_id = ${contactId}`,
  );
  const places = sql`unnest(${sql.param(queued.rows.map((row) => row.campaign))}::text[],
    ${sql.param(queued.rows.map((row) => row.position))}::int[]) as e(campaign_id, position)`;
  const codes = sql`substring(reply from '^[245]\\d\\d(?:[ -][245]\\.\\d{1,3}\\.\\d{1,3})?')`;
  const plain = sql`(select plain from unnest(${sql.param(plainReasons)}::text[]) plain
    where reason = plain or starts_with(reason, plain || ':') order by plain limit 1)`;
  // A campaign was cancelled for one reason for all.
  const reason = sql`case when kind = 'cancelled' then regexp_replace(reason, ${pattern}, '(erased)', 'gi')
    when reason is not null then coalesce(${plain}, 'erased') end`;
  const outcomes = await tx.execute(sql`
    update dispatch_outcome o set reply = ${codes}, reason = ${reason}
      from ${places} where o.campaign_id = e.campaign_id and o.position = e.position
       and (reply, reason) is distinct from (${codes}, ${reason})`);
  const deferrals = await tx.execute(sql`
    update dispatch_deferral d set reply = coalesce(${codes}, 'erased')
      from ${places} where d.campaign_id = e.campaign_id and d.position = e.position`);
  return (outcomes.rowCount ?? 0) + (deferrals.rowCount ?? 0);
}

/** The address goes from the tests it stands in; a test of nobody else goes with it. */
async function eraseTests(tx: Queries, lower: SQL): Promise<number> {
  const isTheirs = sql`exists (select from jsonb_array_elements_text(addresses) address where lower(address) = ${lower})
    or exists (select from jsonb_array_elements(coalesce(results, '[]')) result where lower(result->>'address') = ${lower})`;
  const { rowCount } = await tx.execute(sql`
    update test_send set
      addresses = (select coalesce(jsonb_agg(address), '[]') from jsonb_array_elements_text(addresses) address
                    where not lower(address) = ${lower}),
      results = (select jsonb_agg(result) from jsonb_array_elements(results) result
                  where not lower(result->>'address') = ${lower})
     where ${isTheirs}`);
  await tx.execute(sql`delete from test_send where addresses = '[]'`);
  return rowCount ?? 0;
}

/** Texts in which an operator, or a program on their behalf, may have named an address. */
const texts: readonly (readonly [table: string, column: string])[] = [
  ['campaign', 'reason'],
  ['campaign_audit', 'from'],
  ['campaign_audit', 'to'],
  ['campaign_audit', 'why'],
  ['forgotten', 'reason'],
  ['global_opt_out', 'reason'],
  ['list_opt_out', 'reason'],
  ['suppression', 'reason'],
];

async function eraseTexts(tx: Queries, pattern: string): Promise<number> {
  let sum = 0;
  for (const [table, column] of texts) {
    const text = sql.identifier(column);
    const { rowCount } = await tx.execute(sql`
      update ${sql.identifier(table)} set ${text} = regexp_replace(${text}, ${pattern}, '(erased)', 'gi')
       where ${text} ~* ${pattern}`);
    sum += rowCount ?? 0;
  }
  return sum;
}
