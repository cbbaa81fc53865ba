import { type SQL, sql } from 'drizzle-orm';
import type { Queries } from '../../db/connect.ts';
import { addressPattern, base64Traces } from '../addresses/address-pattern.ts';
import { emailKey } from '../addresses/email-address.ts';

/**
 * Takes out of what came back by mail whatever is about a person: messages that name an address of theirs, in any of the ways
 * in which mail writes text, or that came to a return path of theirs. That something was received stays.
 *
 * @param lower the addresses in lower case, as an operand of =
 * @returns how many rows were changed
 */
export async function eraseFeedback(
  tx: Queries,
  contactId: number | null,
  addresses: readonly string[],
  lower: SQL,
): Promise<number> {
  const prefixes = await returnPathsOf(tx, contactId);
  // High bytes are written as \ooo, a backslash twice.
  const text = sql`replace(replace(encode(raw, 'escape'), E'=\\r\\n', ''), E'=\\n', '')`;
  const pattern = addressPattern([...addresses, ...addresses.map(emailKey)].map(asEscaped));
  const isTheirs = sql`(
    lower(envelope_from) = ${lower}
    or lower(envelope_to) like any (${sql.param(prefixes.map((prefix) => `${prefix}%`))}::text[])
    or raw is not null and (
      lower(${text}) ~ ${pattern}
      or id = any (${sql.param(await inBase64(tx, addresses))}::bigint[])))`;
  const { rowCount } = await tx.execute(sql`
    update feedback set raw = null, envelope_from = '',
           envelope_to = case when state = 'understood' then envelope_to else '' end,
           verdict = case when state = 'understood' then verdict else 'erased' end,
           processed_at = coalesce(processed_at, now()),
           state = case when state = 'understood' then state else 'dismissed' end
     where ${isTheirs} and (raw is not null or envelope_from <> '')`);
  return rowCount ?? 0;
}

/** Messages that have an address in a part that is written in base64. The database finds candidates, for a part may be long. */
async function inBase64(tx: Queries, addresses: readonly string[]): Promise<number[]> {
  const traces = base64Traces(addresses).map((trace) => `%${trace}%`);
  const { rows } = await tx.execute<{ id: string; raw: Buffer }>(sql`
    select id, raw from feedback
     where translate(encode(raw, 'escape'), E'\\r\\n', '') like any (${sql.param(traces)}::text[])`);
  const pattern = new RegExp(addressPattern(addresses), 'i');
  return rows.flatMap(({ id, raw }) => {
    const parts = raw.toString('latin1').match(/(?:^[a-z0-9+/]+={0,2}\r?\n?)+/gim) ?? [];
    return parts.some((part) => pattern.test(Buffer.from(part, 'base64').toString())) ? [Number(id)] : [];
  });
}

/** How the local parts of the contact's return paths and unsubscribe addresses begin. */
async function returnPathsOf(tx: Queries, contactId: number | null): Promise<string[]> {
  if (contactId === null) return [];
  const { rows } = await tx.execute<{ number: number; position: number }>(sql`
    select c.number, q.position from dispatch_queue q join campaign c on c.id = q.campaign_id
     where q.contact_id = ${contactId}`);
  return rows.flatMap(({ number, position }) =>
    ['b', 'u'].map((kind) => `${kind}-${number.toString(36)}-${position.toString(36)}-`),
  );
}

/** As PostgreSQL's encode(..., 'escape') writes it. */
function asEscaped(address: string): string {
  return [...Buffer.from(address)]
    .map((byte) => (byte < 0x80 ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`))
    .join('');
}
