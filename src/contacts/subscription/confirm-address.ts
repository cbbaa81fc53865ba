import { sql } from 'drizzle-orm';
import type { Database, Queries } from '../../db/connect.ts';
import { RefusedError } from '../../domain/errors.ts';
import { confirmationDays, voidFailure } from '../../domain/subscription.ts';
import { changeAddressIn, holdAddresses } from '../addresses/change-address.ts';
import { emailKey } from '../addresses/email-address.ts';
import { waitShortly } from '../wait-shortly.ts';
import { storeRequest } from './store-request.ts';

/** What the page says and does that a link to a new address leads to, or one to take that back. */
export interface AddressRequest {
  readonly purpose: 'new-address' | 'old-address';
  /** `taken`: it is another contact's by now. */
  readonly state: 'open' | 'confirmed' | 'late' | 'taken';
  /** The address that the mail shall go to. */
  readonly email: string;
  readonly language: string;
  readonly wording: string;
  /** The contact has unsubscribed from everything, or the address has: nothing is sent, whoever confirms. */
  readonly isOptedOut: boolean;
}

interface RequestRow extends AddressRequest {
  readonly contactId: number;
  readonly present: string;
}

/** A request by its id; undefined where there is none, it is void, or its contact is gone. */
export async function findAddressRequest(db: Queries, id: string): Promise<AddressRequest | undefined> {
  return await read(db, id);
}

/**
 * Gives a contact the address that its owner has confirmed, once, with every "no" of both (`changeAddress`): memberships
 * stay, and nobody is subscribed by it. Who was erased under that address comes back by themselves with it.
 *
 * The owner of the address before is told, and may take it back: whoever was passed a message has its link, too. What else was
 * asked for of this contact's addresses is void then, but not that an address which it had still earlier takes it back: else
 * somebody who moves the mail twice and takes back the second time would keep it from its person.
 *
 * @param takeBackWording what the owner of the address before would agree to
 * @returns how it was before; undefined as `findAddressRequest`. Only `open` changes anything.
 * @throws FailedError CONTACT_UNKNOWN where the contact gets another address at this moment, or the database's error where
 * an import merges: nothing was changed, and it may be tried again
 */
export async function confirmAddress(
  db: Database,
  id: string,
  takeBackWording: string,
): Promise<AddressRequest | undefined> {
  return await db.transaction(async (tx) => {
    await waitShortly(tx);
    const asked = await read(tx, id);
    if (asked?.state !== 'open') return asked;
    // Before the request itself: whoever erases a person comes upon it in this order.
    await holdAddresses(tx, [emailKey(asked.present), emailKey(asked.email)]);
    const request = await read(tx, id, sql` for update of request`);
    if (request?.state !== 'open') return request;
    const { contactId, purpose, present, email, language } = request;
    try {
      await changeAddressIn(tx, present, email, { allowForgotten: true });
    } catch (error) {
      if (error instanceof RefusedError && error.code === 'ADDRESS_TAKEN')
        return { ...request, state: 'taken' };
      throw error;
    }
    // Its owner has just read a mail there: bounces that were left at it are over.
    await tx.execute(sql`update contact set bounce_count = 0 where id = ${contactId}`);
    await tx.execute(sql`update subscription_request set confirmed_at = now() where id = ${id}`);
    const isTakenBack = purpose === 'old-address';
    // They stay and count: who could have them removed would get round the limits of mails to others.
    await tx.execute(sql`
      update subscription_request other set failure = ${voidFailure}
        from subscription_request this
       where this.id = ${id} and other.contact_id = ${contactId} and other.confirmed_at is null
         and (other.purpose = 'new-address' or (${isTakenBack} and other.created_at > this.created_at))`);
    const key = emailKey(present);
    if (!isTakenBack && key !== emailKey(email)) {
      const wording = takeBackWording;
      const about = { purpose: 'old-address', contactId, email: present, emailKey: key } as const;
      await storeRequest(tx, { ...about, language, via: 'confirmation', wording });
    }
    return request;
  });
}

async function read(db: Queries, id: string, lock = sql``): Promise<RequestRow | undefined> {
  const { rows } = await db.execute<Record<string, unknown> & RequestRow>(sql`
    select case when confirmed_at is not null then 'confirmed'
                when coalesce(sent_at, request.created_at) < now() - make_interval(days => ${confirmationDays}) then 'late'
                when exists (select from contact other
                              where other.email_key = request.email_key and other.id <> contact.id) then 'taken'
                else 'open' end as state,
           purpose, request.email, request.language, wording, contact.id::float8 as "contactId", contact.email as present,
           exists (select from global_opt_out o
                    where o.email_key in (request.email_key, contact.email_key)) as "isOptedOut"
    from subscription_request request join contact on contact.id = request.contact_id
    where request.id = ${id} and request.failure is distinct from ${voidFailure}${lock}`);
  return rows[0];
}
