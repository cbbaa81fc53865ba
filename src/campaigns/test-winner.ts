import { eq, sql } from 'drizzle-orm';
import type { Database } from '../db/connect.ts';
import { campaign, campaignAudit } from '../db/schema.ts';
import { inSnapshot } from '../db/snapshot.ts';
import {
  bestVariant,
  figuresInWords,
  hasNoData,
  letterOf,
  type VariantFigures,
  type WinnerMeasure,
} from '../domain/ab-test.ts';
import { hasEnded } from '../domain/campaign-state.ts';
import { RefusedError } from '../domain/errors.ts';
import type { TestDefinition } from '../message/content.ts';
import { variantsIn } from '../message/named-variant.ts';
import { testFigures } from '../reporting/test-figures.ts';
import { lockCampaign } from './change-state.ts';
import { findCampaign } from './find-campaign.ts';

/** When the clock chooses the winner, milliseconds since 1970 by the database's clock; left out where a person does. */
export interface DecisionTime {
  readonly dueAt?: number | undefined;
}

/** Notes, once, that everybody of an A/B test has been sent to, or put off: the time of the test begins. */
export async function testIsOut(db: Database, campaignId: string): Promise<DecisionTime> {
  const { winner } = requireTest(await findCampaign(db, campaignId));
  const afterMs = winner.by === 'hand' ? null : winner.afterMs;
  const [row] = await db
    .update(campaign)
    .set({
      testOutAt: sql`coalesce(${campaign.testOutAt}, now())`,
      // A person may have set another time meanwhile.
      winnerDueAt: sql`coalesce(${campaign.winnerDueAt}, now() + ${afterMs}::float8 * interval '1 millisecond')`,
    })
    .where(eq(campaign.id, campaignId))
    .returning({ dueAt: campaign.winnerDueAt });
  return { dueAt: row?.dueAt?.getTime() };
}

export interface MovedDecision {
  readonly campaignId: string;
  /** A time (ISO 8601), or one from now, milliseconds. */
  readonly at: string | { readonly inMs: number };
  readonly by: string;
  readonly why?: string | undefined;
}

/** Moves the time at which the clock chooses the winner. Where it is chosen already nothing changes. */
export async function moveDecision(
  db: Database,
  { campaignId, at, by, why }: MovedDecision,
): Promise<DecisionTime> {
  return await db.transaction(async (tx) => {
    const before = await lockCampaign(tx, campaignId);
    if (before.winner !== null) return {};
    const dueAt =
      typeof at === 'string'
        ? sql`${at}::timestamptz`
        : sql`now() + ${at.inMs}::float8 * interval '1 millisecond'`;
    const [after] = await tx
      .update(campaign)
      .set({ winnerDueAt: dueAt })
      .where(eq(campaign.id, campaignId))
      .returning({ dueAt: campaign.winnerDueAt });
    await tx.insert(campaignAudit).values({
      campaignId,
      actor: by,
      what: 'winner due',
      from: before.winnerDueAt?.toISOString() ?? null,
      to: after?.dueAt?.toISOString() ?? null,
      why: why ?? null,
    });
    return { dueAt: after?.dueAt?.getTime() };
  });
}

/** The winner that a person wants. */
export interface WantedWinner {
  readonly variant: number;
  readonly by: string;
  readonly why?: string | undefined;
}

export type WinnerDecision =
  /** The winner that holds now: a choice that came earlier stays. */
  | { readonly winner: number }
  /**
   * It is too early, and nothing was chosen: the time was moved, or the clock of whoever asked is ahead of the database's, by
   * which `inMs` is what is left.
   */
  | { readonly dueAt: number; readonly inMs: number };

/**
 * Chooses the winner of an A/B test, once: the one that a person wants, or by the clock the one whose recipients did
 * best. Who chose it, and what the recipients had done by then, stands in the audit trail.
 */
export async function decideWinner(
  db: Database,
  campaignId: string,
  wanted?: WantedWinner,
): Promise<WinnerDecision> {
  const { figures, test } = await inSnapshot(db, async (snapshot) => {
    const row = await findCampaign(snapshot, campaignId);
    const of = requireTest(row);
    const { variants } = await testFigures(snapshot, campaignId, {
      testSize: row.testSize ?? 0,
      variants: variantsIn(row.definition),
    });
    return { figures: variants, test: of };
  });
  return await db.transaction(async (tx) => {
    const before = await lockCampaign(tx, campaignId);
    if (before.winner !== null) return { winner: before.winner };
    if (hasEnded(before.state) || before.word === 'cancel')
      throw new RefusedError('STATE_REFUSED', 'The campaign has ended and needs no winner.', {
        field: 'state',
        value: before.state,
      });
    const choice = wanted ?? choiceOf(figures, test);
    if (wanted === undefined && before.winnerDueAt !== null) {
      const dueAt = before.winnerDueAt.getTime();
      const { rows } = await tx.execute<{ now: number }>(
        sql`select extract(epoch from now())::float8 * 1000 as now`,
      );
      const leftMs = dueAt - (rows[0]?.now ?? dueAt);
      if (leftMs > 0) return { dueAt, inMs: Math.ceil(leftMs) };
    }
    await tx
      .update(campaign)
      .set({ winner: choice.variant, winnerBy: choice.by, winnerAt: sql`now()` })
      .where(eq(campaign.id, campaignId));
    const why = [choice.why, wanted === undefined ? undefined : soFar(figures)].filter(
      (one) => one !== undefined,
    );
    await tx.insert(campaignAudit).values({
      campaignId,
      actor: choice.by,
      what: 'winner',
      to: letterOf(choice.variant),
      why: why.join('; ') || null,
    });
    return { winner: choice.variant };
  });
}

function choiceOf(figures: readonly VariantFigures[], { winner: { by } }: TestDefinition): WantedWinner {
  // A test that a person decides has no clock; should one strike all the same, opens are what every campaign has.
  const measure: WinnerMeasure = by === 'hand' ? 'open-rate' : by;
  const why = figuresInWords(figures, measure);
  return {
    variant: bestVariant(figures, measure),
    by: 'exm',
    why: hasNoData(figures, measure) ? `nothing to choose by: ${why}` : why,
  };
}

/** What a person may have gone by. */
function soFar(figures: readonly VariantFigures[]): string | undefined {
  if (figures.every(({ sent }) => sent === 0)) return undefined;
  return (['open-rate', 'click-rate'] as const).map((measure) => figuresInWords(figures, measure)).join('; ');
}

function requireTest({
  id,
  definition,
}: {
  readonly id: string;
  readonly definition: { readonly test?: TestDefinition | undefined };
}): TestDefinition {
  if (definition.test !== undefined) return definition.test;
  throw new RefusedError('WINNER_REFUSED', 'The campaign has no A/B test.', {
    field: 'campaign id',
    value: id,
  });
}
