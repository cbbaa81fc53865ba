import type { Queries } from '../../db/connect.ts';
import { RefusedError } from '../../domain/errors.ts';
import { findList, type ListRow } from './lists.ts';

/**
 * A list that has members of its own.
 *
 * @param field where the name was given, for the error
 * @throws InputError LIST_UNKNOWN; RefusedError LIST_SEGMENTED, for nobody is put on a list that a rule fills
 */
export async function findStaticList(db: Queries, name: string, field: string): Promise<ListRow> {
  const list = await findList(db, name, field);
  if (list.expression === null) return list;
  throw listIsSegmented(list.name, field);
}

export function listIsSegmented(name: string, field: string): RefusedError {
  return new RefusedError('LIST_SEGMENTED', `"${name}" is a segmented list: its rule says who is on it.`, {
    field,
    value: name,
    hint: 'Choose a static list, or change what the rule looks at.',
  });
}
