import type { Recipient } from '../contacts/audience/recipient.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { ComposedMessage } from '../message/content.ts';

/** What the steps of SendEmail hand from one to the next, for one recipient. */
export interface OutgoingEmail {
  readonly campaignId: string;
  readonly position: number;
  readonly variant: number;
  readonly language: string;
  readonly recipient: Recipient;
  /** Set by FillEmail; a step of your own between FillEmail and SendEmail may put another in its place. */
  message?: ComposedMessage;
  /**
   * What became of it. Set by SendEmail, or earlier by a step that decides that this recipient gets nothing: the
   * steps up to EmailSent are then left out.
   */
  outcome?: Outcome;
  /** Set by SendEmail where the mail server said "later": there is no outcome yet. */
  deferredReply?: string;
  /** Set by SendEmail where the mail server may have the message though no answer came. */
  isInDoubt?: boolean;
}

/** One step of SendEmail. What it throws for one recipient alone is a `RecipientFailedError`; all else holds the campaign. */
export type SendEmailProcessor = (email: OutgoingEmail) => Promise<void> | void;

export interface NamedProcessor {
  readonly name: string;
  readonly run: SendEmailProcessor;
}

/** True where a step has nothing to do any more because the recipient's outcome is decided. */
export function isDecided(email: OutgoingEmail): boolean {
  return email.outcome !== undefined || email.deferredReply !== undefined;
}
