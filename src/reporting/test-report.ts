import type { CampaignRow } from '../campaigns/find-campaign.ts';
import type { Queries } from '../db/connect.ts';
import {
  letterOf,
  measureOf,
  rateOf,
  type VariantFigures,
  waitsForWinner,
  winnerMeasures,
} from '../domain/ab-test.ts';
import { hasEnded } from '../domain/campaign-state.ts';
import type { WinnerRule } from '../message/content.ts';
import { variantsIn } from '../message/named-variant.ts';
import { testFigures } from './test-figures.ts';

/** The A/B test of a campaign. Instants are ISO 8601. */
export interface TestReport {
  /** How many of all recipients it goes to, percent. */
  readonly share: number;
  /** How the winner is chosen; `afterMs` counts from `outAt`. */
  readonly rule: WinnerRule;
  /** Recipients it goes to; null until they are queued. */
  readonly size: number | null;
  /** When everybody of the test had been sent to, or put off. */
  readonly outAt: string | null;
  /** When the clock chooses the winner. */
  readonly dueAt: string | null;
  /** True once the campaign has ended: nothing of this will change any more. */
  readonly isOver: boolean;
  readonly winner: { readonly variant: string; readonly by: string; readonly at: string } | null;
  /** What those did whom each variant was dealt to, A first. */
  readonly variants: readonly VariantReport[];
  /** Those behind the test, who get the winner; null where it goes to everybody, or until they are queued. */
  readonly remainder: Omit<VariantReport, 'variant' | 'subject'> | null;
}

export interface VariantReport extends Omit<VariantFigures, 'variant'> {
  /** A to E */
  readonly variant: string;
  /** In the default language, tokens not filled in. */
  readonly subject: string;
  /** 0 to 1: of those it was sent to. */
  readonly openRate: number;
  readonly clickRate: number;
  /** Value of the goals reached, by those who clicked. */
  readonly valuePerVisit: number;
}

/**
 * @param sent how many the campaign was sent to in all
 * @returns null where the campaign has no A/B test. To be called in a snapshot.
 */
export async function testReport(
  db: Queries,
  campaign: CampaignRow,
  sent: number,
): Promise<TestReport | null> {
  const { definition, testSize, queued } = campaign;
  const { test, defaultLanguage } = definition;
  if (test === undefined) return null;
  const figures = await testFigures(db, campaign.id, {
    testSize: testSize ?? 0,
    variants: variantsIn(definition),
  });
  const behind = (queued ?? 0) - (testSize ?? 0);
  const sentInTest = figures.variants.reduce((sum, one) => sum + one.sent, 0);
  const bodies = [definition.bodies, ...test.variants.map((one) => one.bodies)];
  return {
    share: test.share,
    rule: test.winner,
    size: testSize,
    outAt: campaign.testOutAt?.toISOString() ?? null,
    dueAt: campaign.winnerDueAt?.toISOString() ?? null,
    isOver: hasEnded(campaign.state),
    winner:
      campaign.winner === null
        ? null
        : {
            variant: letterOf(campaign.winner),
            by: campaign.winnerBy ?? 'unknown',
            at: campaign.winnerAt?.toISOString() ?? '',
          },
    variants: figures.variants.map((one) => ({
      ...withRates(one),
      variant: letterOf(one.variant),
      subject: bodies[one.variant]?.[defaultLanguage]?.subject ?? '',
    })),
    remainder:
      testSize === null || behind <= 0
        ? null
        : withRates({ recipients: behind, sent: Math.max(0, sent - sentInTest), ...figures.remainder }),
  };
}

function withRates(counts: Omit<VariantFigures, 'variant'>): Omit<VariantReport, 'variant' | 'subject'> {
  const { recipients, sent, opened, clicked, value } = counts;
  const [openRate = 0, clickRate = 0, valuePerVisit = 0] = winnerMeasures.map((measure) =>
    rateOf(measureOf({ variant: 0, ...counts }, measure)),
  );
  return { recipients, sent, opened, clicked, value, openRate, clickRate, valuePerVisit };
}

/** What a campaign waits for whose A/B test is out; null where that is not what it waits for. */
export function waitForWinner(
  campaign: Pick<
    CampaignRow,
    'id' | 'state' | 'word' | 'queued' | 'testSize' | 'testOutAt' | 'winner' | 'winnerDueAt'
  >,
): string | null {
  const { id, state, word, queued, testSize, testOutAt, winner, winnerDueAt } = campaign;
  const waits = state === 'Sending' && word !== 'cancel' && winner === null && testOutAt !== null;
  return waits && (testSize ?? 0) < (queued ?? 0) ? waitsForWinner(id, winnerDueAt ?? undefined) : null;
}
