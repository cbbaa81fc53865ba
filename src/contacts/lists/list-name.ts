import { InputError } from '../../domain/errors.ts';

export const listNameMaximum = 100;

/** In files of opt-outs: every list that is made later, for a "no" to everything but some lists. No list has this name. */
export const laterLists = '*';

/**
 * The name of a list as it is stored: spaces around removed, Unicode NFC.
 * @throws InputError where it is empty, longer than 100 characters, `*` or has a control character.
 */
export function checkListName(name: string): string {
  const trimmed = name.trim().normalize('NFC');
  const length = [...trimmed].length;
  const isPlain = trimmed !== laterLists && !/[\p{Cc}\u2028\u2029]/u.test(trimmed);
  if (length >= 1 && length <= listNameMaximum && isPlain) return trimmed;
  throw new InputError('LIST_NAME', 'This is not a name for a list.', {
    field: 'list',
    value: trimmed.slice(0, listNameMaximum + 1),
    hint: `Use 1 to ${listNameMaximum} characters, no control characters, and not "${laterLists}" alone.`,
  });
}
