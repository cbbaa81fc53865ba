import { eq } from 'drizzle-orm';
import type { Queries } from '../../db/connect.ts';
import { contactList } from '../../db/schema.ts';
import { InputError } from '../../domain/errors.ts';
import { findList, type ListRow } from './lists.ts';

/** Characters of a list's title. */
export const listTitleMaximum = 100;

/**
 * Gives a list its name for people, which makes it public, or takes it away: the list is internal then.
 *
 * @throws InputError LIST_UNKNOWN, LIST_TITLE
 */
export async function setListTitle(db: Queries, name: string, title: string | null): Promise<ListRow> {
  const list = await findList(db, name);
  const checked = title === null ? null : checkTitle(title);
  await db.update(contactList).set({ title: checked }).where(eq(contactList.id, list.id));
  return { ...list, title: checked };
}

function checkTitle(title: string): string {
  const trimmed = title.trim().normalize('NFC');
  const length = [...trimmed].length;
  if (
    length >= 1 &&
    length <= listTitleMaximum &&
    !/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(trimmed)
  )
    return trimmed;
  throw new InputError('LIST_TITLE', 'This is not a title for a list.', {
    field: 'TITLE',
    value: trimmed.slice(0, listTitleMaximum + 1),
    hint: `Use 1 to ${listTitleMaximum} characters on one line, none of them to turn the direction of text, or --none to make the list internal.`,
  });
}
