import { type SQL, sql } from 'drizzle-orm';
import type { Queries } from '../db/connect.ts';
import type { FeedbackState } from '../db/schema.ts';

export interface ListedFeedback {
  readonly id: number;
  readonly receivedAt: Date;
  readonly source: string;
  readonly state: FeedbackState;
  /** What it was, or why it is unclear. */
  readonly verdict: string;
  readonly to: string;
  /** Of what is kept. */
  readonly bytes: number | null;
}

export interface ListFeedbackOptions {
  readonly unclear?: boolean | undefined;
  readonly campaign?: { readonly id: string; readonly number: number } | undefined;
  readonly limit: number;
}

/** What came back by mail, the latest first. */
export async function listFeedback(
  db: Queries,
  { unclear, campaign, limit }: ListFeedbackOptions,
): Promise<{ readonly rows: readonly ListedFeedback[]; readonly total: number }> {
  const conditions: SQL[] = [
    ...(unclear === true ? [sql`state = 'unclear'`] : []),
    ...(campaign === undefined ? [] : [isAbout(campaign)]),
  ];
  const where = conditions.length === 0 ? sql`true` : sql.join(conditions, sql` and `);
  const { rows } = await db.execute<
    Omit<ListedFeedback, 'receivedAt' | 'id'> & { id: string; receivedAt: string }
  >(sql`
    select id, received_at as "receivedAt", source, state, verdict, envelope_to as to, octet_length(raw) as bytes
      from feedback where ${where} order by id desc limit ${limit}`);
  const counted = await db.execute<{ total: number }>(sql`
    select count(*)::int as total from feedback where ${where}`);
  return {
    rows: rows.map((row) => ({ ...row, id: Number(row.id), receivedAt: new Date(row.receivedAt) })),
    total: counted.rows[0]?.total ?? 0,
  };
}

/** By the address that it came to, or by what was found out about it. */
function isAbout({ id, number }: { readonly id: string; readonly number: number }): SQL {
  const own = number.toString(36);
  return sql`(lower(envelope_to) ^@ ${`b-${own}-`} or lower(envelope_to) ^@ ${`u-${own}-`}
    or position(${`: ${id}, `} in verdict) > 0)`;
}

/** How many messages wait for a person. */
export async function countUnclear(db: Queries): Promise<number> {
  const { rows } = await db.execute<{ unclear: number }>(sql`
    select count(*)::int as unclear from feedback where state = 'unclear'`);
  return rows[0]?.unclear ?? 0;
}

export function unclearInWords(count: number): string {
  return count === 1
    ? '1 message that came back was not understood and waits for a person'
    : `${count} messages that came back were not understood and wait for a person`;
}
