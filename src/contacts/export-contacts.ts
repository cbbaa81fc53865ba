import { type SQL, sql } from 'drizzle-orm';
import type { Database, Queries } from '../db/connect.ts';
import { readRows } from '../db/read-rows.ts';
import { inSnapshot } from '../db/snapshot.ts';
import { FailedError, RefusedError } from '../domain/errors.ts';
import type { FacetValues } from '../domain/facet.ts';
import { readFacetTypes } from './facets/facet-types.ts';
import { csvLine, notAFormula } from './import/csv-line.ts';
import { recordMaximumLength } from './import/csv-records.ts';
import { columnsMaximum, contactColumns, twiceNamed } from './import/import-columns.ts';
import { findList } from './lists/lists.ts';
import { segmentMembers } from './segments/segment-members.ts';

export const exportFormats = ['csv', 'ndjson'] as const;
export type ExportFormat = (typeof exportFormats)[number];

export interface ExportOptions {
  /** Only who is on this list, static or segmented. */
  readonly list?: string | undefined;
  /** Default `csv`. */
  readonly format?: ExportFormat | undefined;
  /** Whether values that a spreadsheet takes for formulas are made harmless: such a file is not for an import. Default false. */
  readonly forSpreadsheet?: boolean | undefined;
  readonly onProgress?:
    | ((progress: { readonly contacts: number; readonly total: number }) => void)
    | undefined;
}

type Row = {
  email: string;
  firstName: string;
  lastName: string;
  language: string;
  doNotMarket: boolean;
  consentRevoked: boolean;
  bounceCount: number;
  facets: FacetValues;
  /** Of the facets that are numbers the very digits, for JavaScript would round them. */
  exact: (string | null)[];
};

/**
 * Writes contacts in the order of their addresses, as of one moment, in memory that does not grow with them. CSV is what
 * `importContacts` takes, with a column for each facet that anybody has: imported into an empty database and exported again
 * it is the same text. NDJSON has one contact a line, its facets with their types.
 *
 * Opt-outs and suppressed addresses are no part of it: they are kept by address (`exportOptOuts`, `exportSuppression`).
 *
 * @param write settles when more may come
 * @returns how many contacts
 * @throws InputError LIST_UNKNOWN; RefusedError EXPORT_COLUMNS, FailedError EXPORT_ROW where CSV that can be imported cannot
 * be made of it
 */
export async function exportContacts(
  db: Database,
  write: (text: string) => Promise<void>,
  options: ExportOptions = {},
): Promise<number> {
  return await inSnapshot(db, async (tx) => {
    const who = await membersOf(tx, options.list);
    const [counted] = (
      await tx.execute<{ total: number }>(sql`select count(*)::int as total from contact ${who}`)
    ).rows;
    const total = counted?.total ?? 0;
    let line = ({ exact: _, ...row }: Row) => `${JSON.stringify(row)}\n`;
    let numbers: readonly string[] = [];
    if (options.format !== 'ndjson') {
      const facets = await facetNames(tx, who);
      const shown = options.forSpreadsheet === true ? notAFormula : (text: string) => text;
      await write(csvLine([...contactColumns, ...facets.map(shown)]));
      const types = await readFacetTypes(tx, facets);
      numbers = facets.filter((name) => types.get(name) === 'number');
      line = (row) => csvRow(row, facets, numbers, shown);
    }
    let contacts = 0;
    options.onProgress?.({ contacts, total });
    const query = sql`
      select email, first_name as "firstName", last_name as "lastName", language, do_not_market as "doNotMarket",
             consent_revoked as "consentRevoked", bounce_count as "bounceCount", facets,
             array(select facets->>name from unnest(${sql.param([...numbers])}::text[]) with ordinality n(name, place)
                    order by place) as exact
        from contact ${who} order by email_key`;
    for await (const rows of readRows<Row>(tx, query)) {
      await write(rows.map(line).join(''));
      contacts += rows.length;
      options.onProgress?.({ contacts, total });
    }
    return contacts;
  });
}

/** A condition, with its WHERE, over the table `contact`. */
async function membersOf(tx: Queries, name: string | undefined): Promise<SQL> {
  if (name === undefined) return sql``;
  const list = await findList(tx, name, '--list');
  return list.expression === null
    ? sql`where contact.id in (select contact_id from list_member where list_id = ${list.id})`
    : sql`where contact.id in (${segmentMembers(list.expression)})`;
}

/** @throws RefusedError EXPORT_COLUMNS where an import would not take them for columns of one file */
async function facetNames(tx: Queries, who: SQL): Promise<string[]> {
  const { rows } = await tx.execute<{ name: string }>(sql`
    select name from (select distinct jsonb_object_keys(facets) as name from contact ${who}) names
     order by name collate "C" limit ${columnsMaximum + 1}`);
  const names = rows.map(({ name }) => name);
  const all = [...contactColumns, ...names];
  const twice = twiceNamed(all);
  const wrong =
    all.length > columnsMaximum
      ? `would have more than ${columnsMaximum} columns`
      : twice !== undefined
        ? `would have columns that count as the same, "${twice[0]}" and "${twice[1]}"`
        : undefined;
  if (wrong === undefined) return names;
  throw new RefusedError('EXPORT_COLUMNS', `As CSV this ${wrong}, which no import takes.`, {
    field: '--format',
    value: 'csv',
    hint: 'Use --format ndjson, or rename or remove facets.',
  });
}

function csvRow(
  row: Row,
  facets: readonly string[],
  numbers: readonly string[],
  shown: (text: string) => string,
): string {
  const { email, firstName, lastName, language, doNotMarket, consentRevoked, bounceCount } = row;
  const values = facets.map((name) => {
    const number = numbers.indexOf(name);
    if (number >= 0) return row.exact[number] ?? '';
    // Its own: every object has a "constructor".
    return Object.hasOwn(row.facets, name) ? shown(String(row.facets[name] ?? '')) : '';
  });
  const own = [shown(email), shown(firstName), shown(lastName), language];
  const line = csvLine([...own, String(doNotMarket), String(consentRevoked), bounceCount, ...values]);
  if (line.length <= recordMaximumLength) return line;
  throw new FailedError(
    'EXPORT_ROW',
    `A contact's row would be longer than ${recordMaximumLength} characters.`,
    {
      field: 'email',
      value: email,
      hint: 'An import might not read it: use --format ndjson, or shorten its facets.',
    },
  );
}
