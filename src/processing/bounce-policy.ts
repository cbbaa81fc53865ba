import type { ResolvedConfig } from '../config/exm-config.ts';
import type { BounceClass } from '../domain/feedback.ts';
import type { SuppressionCause } from '../domain/suppression.ts';

export type BounceSettings = Pick<
  ResolvedConfig['settings'],
  'undeliveredMaximum' | 'suppressAfterHardBounces' | 'suppressAfterSoftBounces'
>;

/** A bounce or a complaint that counts, with what is known of its contact. Instants are milliseconds since 1970. */
export interface FeedbackFact {
  readonly type: 'Bounce' | 'SpamComplaint';
  readonly campaignId: string;
  readonly contactId: number;
  /** Null for a complaint. */
  readonly class: BounceClass | null;
  /** The contact's present address, in the form that is compared. */
  readonly emailKey: string;
  /** BounceCount of it, before this. */
  readonly bounceCount: number;
  /** The message went to this address, which the contact had before. Undefined: to the present one. */
  readonly formerKey?: string | undefined;
  /** BounceCount that was left there; 0 where none was. */
  readonly formerBounceCount: number;
  /** A person has clicked since: the address is read, whatever this says. */
  readonly isOutlived: boolean;
  /** Messages to the present address that bounced hard, or soft, since the last click; this one is among them. */
  readonly hard: number;
  readonly soft: number;
}

/** An address for the suppression list. It may come several times: `putOnSuppressionList` says which counts. */
export interface Suppressed {
  readonly key: string;
  readonly cause: SuppressionCause;
  readonly reason: string;
}

export interface Consequences {
  /** New BounceCount by contact. */
  readonly bounceCounts: ReadonlyMap<number, number>;
  /** New BounceCount by address of mailboxes that their contacts have left. */
  readonly leftBounces: ReadonlyMap<string, number>;
  /** Addresses for the suppression list. */
  readonly suppressed: readonly Suppressed[];
  /** Addresses for the global opt-out list, with the reason. */
  readonly optedOut: ReadonlyMap<string, string>;
}

/**
 * What follows from bounces and complaints. A soft bounce adds one to BounceCount; a hard one puts it above
 * UndeliveredMaximum; a policy rejection is about our mail or our server, so nothing follows for the person. A complaint is a
 * "no" of the person: it holds whether or not the suppression list is looked at, and for the address they have now as for the
 * one the message went to. What bounced at an earlier address counts for that mailbox, and says nothing about the present one.
 */
export function consequencesOf(facts: readonly FeedbackFact[], settings: BounceSettings): Consequences {
  const bounceCounts = new Map<number, number>();
  const leftBounces = new Map<string, number>();
  const suppressed: Suppressed[] = [];
  const optedOut = new Map<string, string>();
  for (const fact of facts) {
    const { campaignId, contactId, emailKey, formerKey } = fact;
    const sentTo = formerKey ?? emailKey;
    if (fact.type === 'SpamComplaint') {
      const reason = `complaint about ${campaignId}`;
      for (const key of [sentTo, emailKey]) optedOut.set(key, reason);
      suppressed.push({ key: sentTo, cause: 'complaint', reason });
    } else if (formerKey !== undefined) {
      if (fact.class === 'policy') continue;
      leftBounces.set(formerKey, more(leftBounces.get(formerKey) ?? fact.formerBounceCount, fact, settings));
      const isGone = fact.class === 'hard' && settings.suppressAfterHardBounces > 0;
      if (isGone)
        suppressed.push({ key: formerKey, cause: 'hard-bounce', reason: `hard bounce of ${campaignId}` });
    } else if (!fact.isOutlived && fact.class !== 'policy') {
      bounceCounts.set(contactId, more(bounceCounts.get(contactId) ?? fact.bounceCount, fact, settings));
      const why = whySuppressed(fact, settings);
      if (why !== undefined)
        suppressed.push({ key: emailKey, ...why, reason: `${why.reason}, the last of ${campaignId}` });
    }
  }
  return { bounceCounts, leftBounces, suppressed, optedOut };
}

/** BounceCount after one bounce more. */
function more(before: number, fact: FeedbackFact, settings: BounceSettings): number {
  return fact.class === 'hard' ? Math.max(before + 1, settings.undeliveredMaximum + 1) : before + 1;
}

function whySuppressed(
  { class: kind, hard, soft }: FeedbackFact,
  { suppressAfterHardBounces, suppressAfterSoftBounces }: BounceSettings,
): Omit<Suppressed, 'key'> | undefined {
  if (kind === 'hard' && suppressAfterHardBounces > 0 && hard >= suppressAfterHardBounces) {
    return { cause: 'hard-bounce', reason: `${hard} hard ${hard === 1 ? 'bounce' : 'bounces'}` };
  }
  if (kind === 'soft' && suppressAfterSoftBounces > 0 && soft > suppressAfterSoftBounces) {
    return { cause: 'soft-bounces', reason: `${soft} soft bounces` };
  }
  return undefined;
}
