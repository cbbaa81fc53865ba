import type { Database } from '../../db/connect.ts';
import { type NewRequest, type RequestResult, storeWithinLimits } from './store-request.ts';

export type { RequestResult };

export interface NewSubscriptionRequest extends Omit<NewRequest, 'purpose' | 'contactId'> {
  readonly listId: number;
  /** Where it was asked for: `form`, `preferences`, or the origin of the website whose form it was. */
  readonly via: string;
}

/** Stores that somebody asked for a list's mail. */
export async function requestSubscription(
  db: Database,
  request: NewSubscriptionRequest,
): Promise<RequestResult> {
  return await storeWithinLimits(db, { ...request, purpose: 'subscribe' });
}
