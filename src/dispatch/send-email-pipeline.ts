import type { Recipient } from '../contacts/recipient.ts';
import type { ComposedMessage } from '../message/content.ts';

/** What the steps of SendEmail hand from one to the next, for one recipient. */
export interface OutgoingEmail {
  readonly campaignId: string;
  readonly position: number;
  readonly variant: number;
  readonly language: string;
  readonly recipient: Recipient;
  /** Set by FillEmail. */
  message?: ComposedMessage;
}
