import { type ExclusionReason, exclusionReasons } from '../../../domain/outcome.ts';

/** Reasons that nobody can overrule: of an address there is no other, and of a person no second message. */
const absolute = ['duplicate-address', 'unknown-contact', 'no-address'] as const;

export type OverrulableReason = Exclude<ExclusionReason, (typeof absolute)[number]>;

export const overrulableReasons = exclusionReasons.filter(
  (reason): reason is OverrulableReason => !absolute.some((one) => one === reason),
);

/** The campaign for which recipients are wanted. */
export interface ManagedCampaign {
  readonly id: string;
  readonly name: string;
  /** The lists that its file names. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** Languages of its bodies. */
  readonly languages: readonly string[];
  /** Letters of its variants: only A where it has no A/B test. */
  readonly variants: readonly string[];
}

/** One recipient: a contact by its number or by its address, in the order in which they are to be sent to. */
export type ManagedRecipient = ({ readonly contactId: number } | { readonly email: string }) & {
  /** Of a campaign with an A/B test: a letter. Whoever is given one belongs to the test, beside its share of the others. */
  readonly variant?: string;
  /** Of the body, instead of the contact's own. */
  readonly language?: string;
};

/**
 * EXM's IDispatchManager: says who gets a campaign, instead of its included lists. Every "no" still counts (opt-outs,
 * consent, bounces, suppression, excluded lists, send limits), when it is queued and when each message is sent, unless
 * it is overruled by name.
 */
export interface DispatchManager {
  /**
   * Called when a campaign is queued, on a primary, and again from the start where that was interrupted: nothing of what it
   * named before is kept then. What it throws holds the campaign with that reason; `resume` calls it again. So does
   * one that says nothing for 5 minutes.
   */
  recipients(campaign: ManagedCampaign): AsyncIterable<ManagedRecipient>;
  /** Reasons that do not count for whom it names. Default: none. */
  readonly overrules?: readonly OverrulableReason[];
  /**
   * More recipients than these, repeats included, are a mistake that holds the campaign, 1 to 100000000. Default 10000000.
   * A million takes some 50 MB of the primary while it is queued.
   */
  readonly maximum?: number;
}

/** EXM's settings of how recipients are queued, as far as they concern a DispatchManager. */
export interface EnqueueSettings {
  /** DispatchEnqueueBatchSize: recipients that are looked up at a time. */
  readonly dispatchEnqueueBatchSize: number;
  /** DispatchEnqueueThreadsNumber: how many such batches at the same time. */
  readonly dispatchEnqueueThreadsNumber: number;
}
