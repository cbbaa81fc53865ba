import { InputError } from '../../domain/errors.ts';

export const listNameMaximum = 100;

/**
 * The name of a list as it is stored: spaces around removed, Unicode NFC.
 * @throws InputError where it is empty, longer than 100 characters or has a control character.
 */
export function checkListName(name: string): string {
  const trimmed = name.trim().normalize('NFC');
  const length = [...trimmed].length;
  if (length >= 1 && length <= listNameMaximum && !/[\p{Cc}\u2028\u2029]/u.test(trimmed)) return trimmed;
  throw new InputError('LIST_NAME', 'This is not a name for a list.', {
    field: 'list',
    value: trimmed.slice(0, listNameMaximum + 1),
    hint: `Use 1 to ${listNameMaximum} characters, no control characters.`,
  });
}
