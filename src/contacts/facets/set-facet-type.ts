import { eq, isNotNull, sql } from 'drizzle-orm';
import type { Database, Queries } from '../../db/connect.ts';
import { contactList, facet } from '../../db/schema.ts';
import { InputError, RefusedError } from '../../domain/errors.ts';
import type { FacetType } from '../../domain/facet.ts';
import { columnNameMaximum } from '../import/import-columns.ts';
import { wrongType } from '../segments/check-segment.ts';
import { compileSegment } from '../segments/segment-members.ts';
import { lockFacetTypes, readFacetTypes } from './facet-types.ts';
import { facetExpected, facetPatterns } from './facet-value.ts';

export interface FacetReport {
  readonly name: string;
  readonly type: FacetType;
  /** How many contacts have it. */
  readonly contacts: number;
}

export interface FacetChange {
  readonly name: string;
  readonly type: FacetType;
  /** False where it was of this type before. */
  readonly changed: boolean;
  /** Values that were converted. */
  readonly converted: number;
}

/** Contacts that a refusal shows. */
const contactsShown = 5;

/** Every facet that a contact has or that has a type, by name. */
export async function listFacets(db: Queries): Promise<FacetReport[]> {
  const { rows } = await db.execute<{ name: string; type: FacetType; contacts: number }>(sql`
    select coalesce(used.name, facet.name) as name, coalesce(facet.type, 'text') as type,
           coalesce(used.contacts, 0)::integer as contacts
    from (
      select key as name, count(*) as contacts from contact, jsonb_object_keys(facets) key group by key
    ) used full join facet on facet.name = used.name
    order by 1`);
  return rows;
}

/**
 * Gives a facet a type and converts the values of all contacts, in one transaction: all of them or none. Imports and whoever
 * else writes values wait for it.
 *
 * @throws InputError FACET_NAME; RefusedError FACET_VALUES with the number of values that are not of the type and the first
 * contacts that have them, or FACET_USED with the segments that take it for another type
 */
export async function setFacetType(db: Database, given: string, type: FacetType): Promise<FacetChange> {
  const name = checkFacetName(given);
  return await db.transaction(async (tx) => {
    await lockFacetTypes(tx);
    const before = (await readFacetTypes(tx, [name])).get(name) ?? 'text';
    if (before === type) return { name, type, changed: false, converted: 0 };
    await refuseSegments(tx, name, type);
    await refuseValues(tx, name, type);
    if (type === 'text') await tx.delete(facet).where(eq(facet.name, name));
    else {
      await tx.insert(facet).values({ name, type }).onConflictDoUpdate({ target: facet.name, set: { type } });
    }
    const { rowCount } = await tx.execute(sql`
      update contact set updated_at = now(),
        facets = case when facets ->> ${name}::text = '' then facets - ${name}::text
                      else jsonb_set(facets, array[${name}::text], ${converted(name, type)}) end
      where jsonb_exists(facets, ${name}::text)`);
    return { name, type, changed: true, converted: rowCount ?? 0 };
  });
}

/** The value as JSON of the type; all of them were found to be fit for it. */
function converted(name: string, type: FacetType) {
  const text = sql`(facets ->> ${name}::text)`;
  if (type === 'number') return sql`to_jsonb(${text}::numeric)`;
  if (type === 'boolean') return sql`to_jsonb(${text}::boolean)`;
  return sql`to_jsonb(${text})`;
}

async function refuseValues(tx: Queries, name: string, type: FacetType): Promise<void> {
  if (type === 'text') return;
  const { rows } = await tx.execute<{ email: string; value: string; all: number }>(sql`
    select email, left(facets ->> ${name}::text, 100) as value, (count(*) over ())::integer as "all"
    from contact
    where jsonb_exists(facets, ${name}::text) and coalesce(facets ->> ${name}::text, '') <> ''
      and facets ->> ${name}::text !~ ${facetPatterns[type]}
    order by id limit ${contactsShown}`);
  const [first] = rows;
  if (first === undefined) return;
  const shown = rows.map(({ email, value }) => `${email} has ${JSON.stringify(value)}`).join(', ');
  throw new RefusedError(
    'FACET_VALUES',
    `${first.all} ${first.all === 1 ? 'contact has a value' : 'contacts have values'} of "${name}" that ${first.all === 1 ? 'is' : 'are'} not of the type ${type}: ${shown}${first.all > rows.length ? ', ...' : ''}.`,
    {
      field: 'NAME',
      value: name,
      hint: `Correct them first, by an import for instance: ${facetExpected[type]}. Nothing was changed.`,
    },
  );
}

/** A segment that takes it for what it is no more would hold for nobody, and as an excluded list leave nobody out. */
async function refuseSegments(tx: Queries, name: string, type: FacetType): Promise<void> {
  const types = new Map([...(await readFacetTypes(tx)), [name, type]]);
  const segments = await tx.select().from(contactList).where(isNotNull(contactList.expression)).for('share');
  const broken = segments.filter(({ expression }) => {
    const compiled = compileSegment(expression ?? '');
    if (!('sources' in compiled)) return false;
    const uses = compiled.sources.named.facets.filter((use) => use.name === name);
    return wrongType(uses, types) !== undefined;
  });
  if (broken.length === 0) return;
  throw new RefusedError(
    'FACET_USED',
    `Segments take the facet "${name}" for something else: ${broken.map((segment) => segment.name).join(', ')}.`,
    {
      field: 'NAME',
      value: name,
      hint: `Change them first with "exm segment set": double(contact.facets.${name}) takes text and numbers.`,
    },
  );
}

function checkFacetName(given: string): string {
  const name = given.trim();
  const isName =
    name !== '' &&
    name.length <= columnNameMaximum &&
    !/[\p{Cc}\u2028\u2029]/u.test(name) &&
    name !== '__proto__';
  if (isName) return name;
  throw new InputError('FACET_NAME', 'This is not a name for a facet.', {
    field: 'NAME',
    value: name.slice(0, columnNameMaximum + 1),
    hint: `Use 1 to ${columnNameMaximum} characters, no control characters.`,
  });
}
