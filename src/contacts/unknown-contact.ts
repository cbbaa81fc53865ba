import type { Queries } from '../db/connect.ts';
import { FailedError } from '../domain/errors.ts';
import { whoHadAddress } from './addresses/address-history.ts';
import { refusalsOf } from './consent/refusals.ts';
import { forgottenEntry } from './erasure/forgotten.ts';

/**
 * The error for an address that is no contact's. It says what is known of the address all the same.
 *
 * @param given where it was given and what to do, where nobody is meant to be made a contact for it
 */
export async function unknownContact(
  db: Queries,
  email: string,
  key: string,
  given?: { readonly field: string; readonly hint: string },
): Promise<FailedError> {
  const { globalOptOut, suppression, listOptOuts } = await refusalsOf(db, key);
  const forgotten = await forgottenEntry(db, key);
  const hadIt = await whoHadAddress(db, key);
  const known = [
    ...(hadIt.length === 0 ? [] : [`was an address of ${hadIt.join(', ')}`]),
    ...(forgotten === null
      ? []
      : [`was forgotten on ${forgotten.at.toISOString().slice(0, 10)} by ${forgotten.by}`]),
    ...(globalOptOut === null ? [] : ['is on the global opt-out list']),
    ...(suppression === null ? [] : ['is on the suppression list']),
    ...listOptOuts.map(({ list }) => `has opted out of "${list}"`),
  ];
  return new FailedError(
    'CONTACT_UNKNOWN',
    `There is no contact with this address${known.length === 0 ? '' : `, but it ${known.join(' and ')}`}.`,
    {
      field: given?.field ?? 'EMAIL',
      value: email,
      hint:
        given?.hint ??
        (forgotten === null
          ? 'Make it one with "exm contact set", or import it with "exm contact import".'
          : 'It is not made a contact again unless that is asked for: --allow-forgotten.'),
    },
  );
}
