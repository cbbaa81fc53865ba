import { and, eq, isNotNull, isNull } from 'drizzle-orm';
import type { Queries } from '../../db/connect.ts';
import { contactList } from '../../db/schema.ts';
import { listNameMaximum } from '../lists/list-name.ts';

/** A list that people may know of: it has a title. */
export interface PublicList {
  readonly id: number;
  readonly name: string;
  readonly title: string;
}

/** The public static list of this name; undefined where there is none, whatever else has the name. */
export async function findPublicList(db: Queries, name: string): Promise<PublicList | undefined> {
  const wanted = name.trim().normalize('NFC');
  // What cannot be a list's name is not asked for: the database takes not every text.
  if (wanted.length > 2 * listNameMaximum || /\p{Cc}/u.test(wanted)) return undefined;
  const [found] = await db
    .select()
    .from(contactList)
    .where(and(eq(contactList.name, wanted), isNotNull(contactList.title), isNull(contactList.expression)));
  return found && { id: found.id, name: found.name, title: found.title ?? '' };
}
