/** Double opt-in: the rules of requests to subscribe, and to get mail at another address. */

/** `old-address`: to take back that a contact got another address, asked of the one it had. */
export type RequestPurpose = 'subscribe' | 'new-address' | 'old-address';

/** The link in the mail that asks to confirm is valid for so long. Days. */
export const confirmationDays = 7;

/**
 * Requests of one address: one for each list (or contact that shall get the address) within an hour, and so many in all within a
 * day. And so many changes of address of one contact within a day, whatever the addresses.
 */
export const requestLimits = { perListMinutes: 60, perDay: 5, addressesPerDay: 5 } as const;

/** Failure of a request that another change of the contact's address has overtaken: nobody can confirm it any more. */
export const voidFailure = 'another change was confirmed';

/** Where a change of address was taken back by its old address, the preference page changes none for so long. Days. */
export const takenBackDays = 30;

/** Requests whose mail has not gone out yet, of everybody together: beyond it no further one is taken. */
export const waitingRequestsMaximum = 5_000;

/** A mail that could not be handed over for so long is given up: whoever asked for it has gone away. Hours. */
export const confirmationMailHours = 24;

/** Workflow that sends the mail of one request. The id is random and says nothing about anybody. */
export function confirmationWorkflowId(requestId: string): string {
  return `subscription/${requestId}`;
}

/** Requests that nobody has confirmed are kept for so long, and then removed. Days. */
export const unconfirmedDays = 30;
