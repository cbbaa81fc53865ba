import type { Database } from '../../db/connect.ts';
import { type NewRequest, type RequestResult, storeWithinLimits } from './store-request.ts';

export interface NewAddressRequest extends Pick<NewRequest, 'email' | 'emailKey' | 'language' | 'wording'> {
  readonly contactId: number;
}

/**
 * Stores that somebody who has a contact's link wants its mail at another address. Nothing changes until the owner of that
 * address confirms it: `confirmAddress`.
 */
export async function requestAddress(db: Database, request: NewAddressRequest): Promise<RequestResult> {
  return await storeWithinLimits(db, { ...request, purpose: 'new-address', via: 'preferences' });
}
