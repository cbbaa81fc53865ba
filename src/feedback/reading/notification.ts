import type { BounceClass } from '../../domain/feedback.ts';

/** What one message that came back says about one message that was sent. A report about several recipients gives several. */
export type Notification =
  | (About & {
      readonly kind: 'bounce';
      readonly class: BounceClass;
      /** RFC 3463 code such as 5.1.1; empty where none was given. */
      readonly status: string;
      /** The mail server's words: one line, bounded. */
      readonly text: string;
    })
  | (About & {
      readonly kind: 'complaint';
      /** RFC 5965 Feedback-Type: `abuse`, `fraud`, ...; empty where none was given. */
      readonly text: string;
    })
  /** Understood, and nothing follows from it: delayed, delivered, relayed, an answering machine, not about spam. */
  | (About & { readonly kind: 'nothing'; readonly text: string })
  /** Not understood, and never guessed at: a person decides. */
  | { readonly kind: 'unclear'; readonly why: string };

/** What the message tells of the one that it is about; all of it may be forged, and is checked by whoever uses it. */
export interface About {
  /** Final-Recipient or Original-Recipient. */
  readonly recipient?: string | undefined;
  /** Message-ID of the original, with its angle brackets. */
  readonly messageId?: string | undefined;
  /** The original's List-Unsubscribe field. */
  readonly listUnsubscribe?: string | undefined;
}
