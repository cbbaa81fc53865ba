import { and, eq, isNotNull, sql } from 'drizzle-orm';
import type { Database, Queries } from '../../db/connect.ts';
import { makeRoomForEverybody } from '../../db/room-for-everybody.ts';
import { contactList } from '../../db/schema.ts';
import { campaignsOfList } from '../lists/list-use.ts';
import { findSegment, insertList, type ListRow } from '../lists/lists.ts';
import { checkSegment } from './check-segment.ts';
import { segmentMembers } from './segment-members.ts';

export interface Segment {
  readonly id: number;
  readonly name: string;
  readonly expression: string;
  readonly createdAt: Date;
}

export interface SavedSegment extends Segment {
  readonly warnings: readonly string[];
}

export interface SegmentReport extends Segment {
  /** Its name for people; null: internal. */
  readonly title: string | null;
  /** Campaigns that go to it or leave it out, by their ids. */
  readonly campaigns: readonly string[];
}

export interface SegmentSample {
  readonly members: readonly {
    readonly email: string;
    readonly firstName: string;
    readonly lastName: string;
    readonly language: string;
  }[];
}

/**
 * Makes a segmented list. What its condition says is asked whenever it is used; whether it can be asked, now.
 * @param field where the expression was given, for the error
 * @throws InputError LIST_NAME, SEGMENT_WRONG; RefusedError LIST_EXISTS
 */
export async function createSegment(
  db: Database,
  name: string,
  expression: string,
  field?: string,
): Promise<SavedSegment> {
  return await db.transaction(async (tx) => {
    const warnings = await checkSegment(tx, expression, field);
    return { ...segmentOf(await insertList(tx, name, expression)), warnings };
  });
}

/**
 * Gives a segment another condition. Campaigns that were queued already keep whom they have.
 * @throws InputError LIST_UNKNOWN, LIST_STATIC, SEGMENT_WRONG
 */
export async function setSegment(
  db: Database,
  name: string,
  expression: string,
  field?: string,
): Promise<SavedSegment> {
  return await db.transaction(async (tx) => {
    const { id } = await findSegment(tx, name);
    const warnings = await checkSegment(tx, expression, field);
    const [changed] = await tx
      .update(contactList)
      .set({ expression })
      .where(and(eq(contactList.id, id), isNotNull(contactList.expression)))
      .returning();
    return { ...segmentOf(changed ?? (await findSegment(tx, name))), warnings };
  });
}

/** All segments by name. */
export async function listSegments(db: Queries): Promise<Segment[]> {
  const rows = await db
    .select()
    .from(contactList)
    .where(isNotNull(contactList.expression))
    .orderBy(contactList.name);
  return rows.map(segmentOf);
}

/** @throws InputError LIST_UNKNOWN, LIST_STATIC */
export async function showSegment(db: Queries, name: string): Promise<SegmentReport> {
  const list = await findSegment(db, name);
  return { ...segmentOf(list), title: list.title, campaigns: await campaignsOfList(db, list.id) };
}

/** The expression of a segment. @throws InputError LIST_UNKNOWN, LIST_STATIC */
export async function expressionOf(db: Queries, name: string): Promise<string> {
  return segmentOf(await findSegment(db, name)).expression;
}

/** How many contacts a condition holds for now. @throws InputError SEGMENT_WRONG */
export async function countMembers(db: Database, expression: string): Promise<number> {
  return await forEverybody(db, async (tx) => {
    const { rows } = await tx.execute<{ members: number }>(
      sql`select count(*)::integer as members from (${segmentMembers(expression)}) members`,
    );
    return rows[0]?.members ?? 0;
  });
}

/** Some of those for whom a condition holds now, by their ids. @throws InputError SEGMENT_WRONG */
export async function sampleMembers(
  db: Database,
  expression: string,
  limit: number,
): Promise<SegmentSample['members']> {
  return await forEverybody(db, async (tx) => {
    const { rows } = await tx.execute<SegmentSample['members'][number]>(sql`
      select email, first_name as "firstName", last_name as "lastName", language
      from contact where id in (${segmentMembers(expression)}) order by id limit ${limit}`);
    return rows;
  });
}

/** Checks a condition that is not saved. @throws InputError SEGMENT_WRONG */
export async function checkCondition(db: Database, expression: string, field?: string): Promise<string[]> {
  return await db.transaction(async (tx) => await checkSegment(tx, expression, field));
}

/** With the room for a query that goes through all contacts and what happened to them. */
async function forEverybody<T>(db: Database, ask: (tx: Queries) => Promise<T>): Promise<T> {
  return await db.transaction(async (tx) => {
    await makeRoomForEverybody(tx, 64);
    return await ask(tx);
  });
}

function segmentOf({ id, name, expression, createdAt }: ListRow): Segment {
  return { id, name, expression: expression ?? 'false', createdAt };
}
