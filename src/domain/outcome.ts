/** How one queued recipient can end: each ends as exactly one of these. */
export const outcomeKinds = ['sent', 'failed', 'skipped', 'cancelled', 'in_doubt'] as const;
export type OutcomeKind = (typeof outcomeKinds)[number];

/**
 * Why a contact of an included list is not queued, or is skipped at sending, the strongest first. EXM's names where it has one.
 */
export const exclusionReasons = [
  'excluded-list',
  'global-opt-out',
  'do-not-market',
  'consent-revoked',
  'undelivered-maximum',
  'suppression-list',
  'former-address',
  'list-opt-out',
  'duplicate-address',
  'unknown-contact',
  'no-address',
  'send-limit',
] as const;
export type ExclusionReason = (typeof exclusionReasons)[number];

/** What became of one queued recipient. */
export type Outcome =
  | { readonly kind: 'sent'; readonly reply: string; readonly messageId: string }
  | { readonly kind: 'failed'; readonly reason: string; readonly reply?: string }
  | { readonly kind: 'skipped'; readonly reason: string }
  | { readonly kind: 'cancelled'; readonly reason: string }
  | { readonly kind: 'in_doubt'; readonly reason: string };

/** The books of a campaign: `queued` is the sum of all the others. */
export interface Totals {
  readonly queued: number;
  readonly sent: number;
  readonly failed: number;
  readonly skipped: number;
  readonly cancelled: number;
  readonly inDoubt: number;
  /** Queued recipients without an outcome yet. */
  readonly remaining: number;
}

export const noTotals: Totals = {
  queued: 0,
  sent: 0,
  failed: 0,
  skipped: 0,
  cancelled: 0,
  inDoubt: 0,
  remaining: 0,
};

/** Outcomes counted by kind, as a batch reports them. */
export interface OutcomeCounts {
  readonly sent: number;
  readonly failed: number;
  readonly skipped: number;
  readonly inDoubt: number;
}

export const noCounts: OutcomeCounts = { sent: 0, failed: 0, skipped: 0, inDoubt: 0 };

/** What of a campaign's books its batches count. */
export function countsOf({ sent, failed, skipped, inDoubt }: Totals): OutcomeCounts {
  return { sent, failed, skipped, inDoubt };
}

export function addCounts(a: OutcomeCounts, b: OutcomeCounts): OutcomeCounts {
  return {
    sent: a.sent + b.sent,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
    inDoubt: a.inDoubt + b.inDoubt,
  };
}

/** True where every queued recipient has exactly one outcome. Only then may a campaign become Sent. */
export function booksBalance(totals: Totals): boolean {
  return (
    totals.remaining === 0 &&
    totals.queued === totals.sent + totals.failed + totals.skipped + totals.cancelled + totals.inDoubt
  );
}
