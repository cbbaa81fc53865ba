/**
 * What a bounce says about an address. `hard`: no such mailbox, for good. `soft`: not now (full, a server that is ill), or
 * in doubt. `policy`: our message or server was refused (RFC 3463 X.7.X, reputation, too large), which says nothing about the
 * person.
 */
export const bounceClasses = ['hard', 'soft', 'policy'] as const;
export type BounceClass = (typeof bounceClasses)[number];

/** What is kept of a Bounce or SpamComplaint. No address stands in it. */
export interface BounceDetail {
  /** Left out for a complaint. */
  readonly class?: BounceClass;
  /** RFC 3463 code such as 5.1.1; empty where none was given. */
  readonly status: string;
  /** The mail server's words, or the kind of complaint (RFC 5965 Feedback-Type): one line, bounded. */
  readonly text: string;
  /** How we heard of it. */
  readonly by: 'smtp-reply' | 'notification' | 'webhook';
}
