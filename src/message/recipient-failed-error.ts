import { FailedError } from '../domain/errors.ts';

/**
 * One recipient cannot get the message (a malformed address, a template that fails for that contact's values); it says
 * nothing about the others. Code and text hold no personal data and may stand in the ledger and in a history.
 */
export class RecipientFailedError extends FailedError {}
