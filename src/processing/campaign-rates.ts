import type { ResolvedConfig } from '../config/exm-config.ts';
import type { RateCounts } from '../db/schema.ts';

export type RateSettings = Pick<
  ResolvedConfig['settings'],
  'pauseAtBouncePercent' | 'pauseAtComplaintPercent'
>;

/** Fewer people say nothing about a rate: one bounce among ten is no reason to stop. */
const bounceMinimumSent = 200;
const complaintMinimum = 5;

/** What came since a person let the campaign go on; all of it where it never stopped by itself. */
export function countsSince(counts: RateCounts, base: RateCounts | null): RateCounts {
  const since = (name: keyof RateCounts) => Math.max(0, counts[name] - (base?.[name] ?? 0));
  return { sent: since('sent'), bounces: since('bounces'), complaints: since('complaints') };
}

/** Why a campaign is to pause itself, in numbers; undefined where it may go on. */
export function whyPauseItself(
  { sent, bounces, complaints }: RateCounts,
  { pauseAtBouncePercent, pauseAtComplaintPercent }: RateSettings,
): string | undefined {
  const reached = (count: number, limit: number) => limit > 0 && count * 100 >= limit * sent;
  const reasons = [
    ...(complaints >= complaintMinimum && reached(complaints, pauseAtComplaintPercent)
      ? [inWords(complaints, sent, 'complained', 'pauseAtComplaintPercent', pauseAtComplaintPercent)]
      : []),
    ...(sent >= bounceMinimumSent && bounces > 0 && reached(bounces, pauseAtBouncePercent)
      ? [inWords(bounces, sent, 'bounced', 'pauseAtBouncePercent', pauseAtBouncePercent)]
      : []),
  ];
  return reasons.length === 0 ? undefined : reasons.join('; ');
}

function inWords(count: number, sent: number, verb: string, setting: string, limit: number): string {
  const percent =
    sent === 0 ? '' : `, ${((count * 100) / sent).toFixed(count * 1_000 < sent * 10 ? 2 : 1)} %`;
  return `${count} of ${sent} people have ${verb}${percent}: the limit is ${limit} % (${setting})`;
}
