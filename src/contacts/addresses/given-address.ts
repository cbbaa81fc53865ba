import { InputError } from '../../domain/errors.ts';
import { parseEmailAddress } from './email-address.ts';

/**
 * An address that a person gave.
 *
 * @param field how it was given, for messages
 * @throws InputError ADDRESS_WRONG that says what is wrong with it.
 */
export function givenAddress(
  text: string,
  field = 'EMAIL',
): { readonly address: string; readonly key: string } {
  const parsed = parseEmailAddress(text);
  if (parsed.ok) return parsed;
  throw new InputError(
    'ADDRESS_WRONG',
    `This is not an email address: ${parsed.reason.replaceAll('-', ' ')}.`,
    {
      field,
      value: text.slice(0, 300),
      hint: 'An address such as ann@example.com is expected.',
    },
  );
}
