/** Double opt-in: the rules of requests to subscribe. */

/** The link in the mail that asks to confirm is valid for so long. Days. */
export const confirmationDays = 7;

/** Requests of one address: one for each list within an hour, and so many in all within a day. */
export const requestLimits = { perListMinutes: 60, perDay: 5 } as const;

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
