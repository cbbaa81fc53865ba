import type { ServerState } from '../../db/server-presence.ts';
import type { CampaignState, SubState } from '../../domain/campaign-state.ts';
import type { BounceDetail } from '../../domain/feedback.ts';
import type { ExclusionReason, OutcomeKind } from '../../domain/outcome.ts';

/** What became of an address in a campaign: an outcome, or why there is none. */
export type RecipientAnswer =
  | OutcomeKind
  /** Queued, and its turn is still to come. */
  | 'waiting'
  /** Queued, and the campaign has ended without an outcome of it. */
  | 'no-outcome'
  /** The campaign was queued without it. */
  | 'not-queued'
  /** Nobody of the campaign has been queued. */
  | 'nobody-queued'
  /** A contact of no included list. */
  | 'on-no-list'
  | 'no-contact';

/** Everything that says why an address did or did not get a campaign. Instants are ISO 8601. */
export interface RecipientReport {
  readonly answer: RecipientAnswer;
  readonly email: string;
  readonly campaign: {
    readonly id: string;
    readonly name: string;
    readonly state: CampaignState;
    readonly subState: SubState;
    readonly reason: string | null;
    /** Rows of its queue; null until it is filled. */
    readonly queued: number | null;
    /** When its queue was filled for certain; null before. */
    readonly queuedAt: string | null;
  };
  /** Null where there is no contact of this address. */
  readonly contact: {
    readonly id: number;
    readonly email: string;
    readonly language: string;
    readonly createdAt: string;
  } | null;
  /** Not queued yet, and a DispatchManager says who gets it: the included lists do not matter. */
  readonly isManaged: boolean;
  /** Reasons that do not count for this campaign, as its DispatchManager says. */
  readonly overruled: readonly ExclusionReason[];
  readonly lists: readonly CampaignListEntry[];
  /** Why it was left out when the campaign was queued, by the books; null where it was not. */
  readonly leftOut: ExclusionReason | null;
  /** Every reason that excludes the address from this campaign now. */
  readonly exclusions: readonly HeldExclusion[];
  readonly queue: {
    readonly position: number;
    readonly language: string;
    /** Null: the winner of the A/B test, which is not chosen yet. */
    readonly variant: number | null;
    readonly variantName: string | null;
  } | null;
  readonly outcome: {
    readonly kind: OutcomeKind;
    readonly at: string;
    readonly batch: number;
    readonly server: string;
    readonly reason: string | null;
    readonly reply: string | null;
    readonly messageId: string | null;
  } | null;
  /** How its mail server put it off; kept until the campaign has ended. */
  readonly deferral: {
    readonly attempts: number;
    readonly firstAt: string;
    readonly dueAt: string;
    readonly reply: string;
  } | null;
  /** What it waits for, the most important first; empty where it has an outcome. */
  readonly waitingFor: readonly Waiting[];
  /** What happened to the message later, the earliest first. */
  readonly events: readonly RecipientEvent[];
  /** Events beyond those. */
  readonly moreEvents: number;
  /** Test messages of this campaign to this address: they are in no books. */
  readonly tests: readonly {
    readonly at: string;
    /** Null until it has been tried. */
    readonly ok: boolean | null;
    readonly reply: string | null;
  }[];
}

export interface CampaignListEntry {
  readonly name: string;
  readonly role: 'include' | 'exclude';
  readonly isMember: boolean;
  /** Null where the address has not opted out of it. */
  readonly optOut: Dated | null;
}

export interface Dated {
  readonly since: string;
  readonly reason: string;
}

export interface HeldExclusion {
  readonly reason: ExclusionReason;
  /** The lists, the number of bounces, or why the address was entered. */
  readonly detail: string | null;
  /** Where it is known. */
  readonly since: string | null;
  /** Whether it counts for somebody who is queued already. */
  readonly holdsAtSending: boolean;
}

export type Waiting =
  | { readonly for: 'cancel' }
  | {
      readonly for: 'resume';
      readonly reason: string | null;
      readonly by: string | null;
      readonly since: string | null;
    }
  | { readonly for: 'due'; readonly at: string }
  | {
      readonly for: 'batch';
      readonly batch: number;
      readonly server: string;
      readonly presence: ServerState;
      readonly since: string;
    }
  /** Whoever is behind an A/B test gets what wins it. */
  | { readonly for: 'winner'; readonly dueAt: string | null; readonly isOut: boolean }
  | { readonly for: 'dispatcher'; readonly reason: string }
  | { readonly for: 'turn' };

export interface RecipientEvent {
  readonly type: string;
  readonly at: string;
  readonly link: number | null;
  readonly url: string | null;
  /** Null where the processing role has not seen it yet. */
  readonly agent: string | null;
  readonly repeats: number;
  /** Of a Bounce or SpamComplaint; null where nothing was said. */
  readonly detail: BounceDetail | null;
}
