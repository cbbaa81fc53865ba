import { asc, eq, sql } from 'drizzle-orm';
import type { Database, Queries } from '../../db/connect.ts';
import { contactList, listOptOut } from '../../db/schema.ts';
import { InputError, RefusedError } from '../../domain/errors.ts';
import type { ExclusionReason } from '../../domain/outcome.ts';
import { didYouMean } from '../../message/nearest.ts';
import { type ExclusionSettings, exclusionCase, exclusionJoins } from '../audience/exclusion.ts';
import { optOutGeneralNo } from '../consent/general-no.ts';
import { segmentMembers } from '../segments/segment-members.ts';
import { checkListName } from './list-name.ts';

export type ListRow = typeof contactList.$inferSelect;

export interface ListSummary {
  readonly name: string;
  readonly kind: 'static' | 'segment';
  /** Of a segment null: `exm segment count` asks. */
  readonly members: number | null;
  /** Its name for people; null: internal. */
  readonly title: string | null;
  readonly createdAt: Date;
}

export interface ListReport extends ListSummary {
  readonly members: number;
  /** CEL that says who is in a segment; null of a static list. */
  readonly expression: string | null;
  /** Members who could get mail as such now. */
  readonly reachable: number;
  /** The other members, by the first reason that holds. */
  readonly excluded: Partial<Record<ExclusionReason, number>>;
  /** Addresses that have opted out of this list, members or not, whatever else excludes them. */
  readonly optedOut: number;
  /** Members by language, the most frequent first; '' where it is unknown. */
  readonly languages: readonly { readonly language: string; readonly members: number }[];
  /** The members that came first. */
  readonly sample: readonly {
    readonly email: string;
    readonly firstName: string;
    readonly lastName: string;
    readonly language: string;
  }[];
}

/** Languages that a report names at the most. */
const languagesShown = 100;

/**
 * Makes an empty static list.
 * @throws InputError LIST_NAME where the name is none; RefusedError LIST_EXISTS where it is taken.
 */
export async function createList(db: Database, name: string): Promise<ListRow> {
  return await db.transaction(async (tx) => await insertList(tx, name, null));
}

/** A list or, with an expression that was checked, a segment: they share their names. @throws as `createList` */
export async function insertList(tx: Queries, name: string, expression: string | null): Promise<ListRow> {
  const checked = checkListName(name);
  const [created] = await tx
    .insert(contactList)
    .values({ name: checked, expression })
    .onConflictDoNothing({ target: contactList.name })
    .returning();
  if (created !== undefined) {
    await optOutGeneralNo(tx, created.id);
    return created;
  }
  throw new RefusedError('LIST_EXISTS', `There is a list or segment "${checked}" already.`, {
    field: 'NAME',
    value: checked,
    hint: `Choose another name, or look at that one with "exm list show".`,
  });
}

/** All lists by name. */
export async function listLists(db: Queries): Promise<ListSummary[]> {
  const { rows } = await db.execute<Omit<ListSummary, 'createdAt'> & { createdAt: string }>(sql`
    select name, case when expression is null then 'static' else 'segment' end as kind, title,
           case when expression is null then coalesce(members, 0)::integer end as members, created_at as "createdAt"
    from contact_list
    left join (select list_id, count(*) as members from list_member group by list_id) counted
      on counted.list_id = contact_list.id
    order by name`);
  return rows.map((row) => ({ ...row, createdAt: new Date(row.createdAt) }));
}

/**
 * @param field where the name was given, for the error.
 * @throws InputError LIST_UNKNOWN that suggests the names that are near.
 */
export async function findList(db: Queries, name: string, field = 'NAME'): Promise<ListRow> {
  const [found] = await db
    .select()
    .from(contactList)
    .where(eq(contactList.name, checkListName(name)));
  if (found !== undefined) return found;
  const all = await db.select({ name: contactList.name }).from(contactList).orderBy(asc(contactList.name));
  const names = all.map((list) => list.name);
  throw new InputError('LIST_UNKNOWN', `There is no list "${name}".${didYouMean(name, names)}`, {
    field,
    value: name,
    hint:
      names.length === 0
        ? 'There are no lists yet: "exm contact import FILE --list NAME" makes one.'
        : 'See them all with "exm list ls".',
  });
}

/** @throws InputError LIST_UNKNOWN, and LIST_STATIC where it is none */
export async function findSegment(db: Queries, name: string, field = 'NAME'): Promise<ListRow> {
  const list = await findList(db, name, field);
  if (list.expression !== null) return list;
  throw new InputError('LIST_STATIC', `"${list.name}" is a static list, not a segment.`, {
    field,
    value: list.name,
    hint: 'See the segments with "exm segment ls"; "exm list show" shows this list.',
  });
}

/**
 * A list with its numbers and its first members.
 * @param sample how many members to show.
 * @throws InputError LIST_UNKNOWN
 */
export async function showList(
  db: Database,
  name: string,
  settings: ExclusionSettings,
  sample: number,
): Promise<ListReport> {
  const list = await findList(db, name);
  const members =
    list.expression === null
      ? sql`select contact_id from list_member where list_id = ${list.id}`
      : segmentMembers(list.expression);
  return await db.transaction(
    async (tx) => {
      const reason = exclusionCase(settings, { 'list-opt-out': sql`opted_out.email_key is not null` });
      const reasons = await tx.execute<{ reason: ExclusionReason | null; members: number }>(sql`
        select ${reason} as reason, count(*)::integer as members
        from contact ${exclusionJoins(settings)}
        left join list_opt_out opted_out
          on opted_out.list_id = ${list.id} and opted_out.email_key = contact.email_key
        where contact.id in (${members})
        group by 1 order by 2 desc, 1`);
      const languages = await tx.execute<ListReport['languages'][number]>(sql`
        select language, count(*)::integer as members
        from contact where id in (${members})
        group by 1 order by 2 desc, 1 limit ${languagesShown}`);
      const first = await tx.execute<ListReport['sample'][number]>(sql`
        select email, first_name as "firstName", last_name as "lastName", language
        from contact where id in (${members}) order by id limit ${sample}`);
      return {
        name: list.name,
        kind: list.expression === null ? 'static' : 'segment',
        expression: list.expression,
        title: list.title,
        createdAt: list.createdAt,
        ...summed(reasons.rows),
        optedOut: await tx.$count(listOptOut, eq(listOptOut.listId, list.id)),
        languages: languages.rows,
        sample: first.rows,
      };
    },
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  );
}

function summed(rows: readonly { reason: ExclusionReason | null; members: number }[]) {
  const excluded: Partial<Record<ExclusionReason, number>> = {};
  let members = 0;
  let reachable = 0;
  for (const row of rows) {
    members += row.members;
    if (row.reason === null) reachable = row.members;
    else excluded[row.reason] = row.members;
  }
  return { members, reachable, excluded };
}
