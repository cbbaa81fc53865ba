import { and, eq, sql } from 'drizzle-orm';
import type { Database, Queries } from '../db/connect.ts';
import { campaign, campaignAudit } from '../db/schema.ts';
import {
  type CampaignState,
  type DispatchWord,
  hasEnded,
  hasStepsLeft,
  type SubState,
  whyNotEnter,
} from '../domain/campaign-state.ts';
import { RefusedError } from '../domain/errors.ts';
import { unknownCampaign } from '../reporting/totals.ts';

export interface StateChange {
  readonly campaignId: string;
  readonly to: CampaignState;
  readonly subState: SubState;
  /** Who changed it. */
  readonly by: string;
  readonly why?: string | undefined;
}

/**
 * Moves a campaign to another state and writes the audit trail, both or neither. Entering the state it is in already
 * (a retried step) changes nothing.
 *
 * @throws RefusedError where that state cannot be entered from the present one, or not with what dispatchers are told.
 */
export async function changeState(db: Database, change: StateChange): Promise<void> {
  await db.transaction(async (tx) => {
    const before = await lockCampaign(tx, change.campaignId);
    if (before.state === change.to && before.subState === change.subState) return;
    const refusal = whyNotEnter(change.to, before);
    if (refusal !== undefined) {
      throw new RefusedError('STATE_REFUSED', `The campaign ${refusal}.`, {
        field: 'state',
        value: before.state,
      });
    }
    // A pause or a cancel that came while the step ran stays visible.
    const isHeld = before.word !== 'go' && !hasEnded(change.to);
    const started = change.to === 'Queuing' && before.startedAt === null;
    await tx
      .update(campaign)
      .set({
        state: change.to,
        subState: isHeld ? before.subState : change.subState,
        reason: isHeld ? before.reason : (change.why ?? null),
        ...(started ? { startedAt: sql`now()` } : {}),
        ...(hasEnded(change.to) ? { endedAt: sql`now()` } : {}),
      })
      .where(eq(campaign.id, change.campaignId));
    await audit(tx, change, 'state', before.state, change.to);
  });
}

export interface WordChange {
  readonly campaignId: string;
  readonly word: DispatchWord;
  /** Who changed it. */
  readonly by: string;
  readonly why?: string | undefined;
}

/**
 * What dispatchers are told from now on: go, pause or cancel. In force with their next flush. A campaign that is Sent
 * has nobody to tell; while it has steps left they can be held and go on, and it is never cancelled. What was cancelled
 * stays cancelled.
 */
export async function changeWord(db: Database, change: WordChange): Promise<void> {
  await db.transaction(async (tx) => {
    const before = await lockCampaign(tx, change.campaignId);
    if (hasEnded(before.state) && !(hasStepsLeft(before) && change.word !== 'cancel')) return;
    if (before.word === 'cancel' && change.word !== 'cancel') return;
    await writeWord(tx, before, change);
  });
}

/**
 * Lets the dispatchers of a campaign go that is started: an earlier run may have left them held. What has ended stays
 * as it is, and what was cancelled stays cancelled, whatever became of the workflow that was to end it.
 *
 * @returns the state, and the word that holds now
 */
export async function letGo(
  db: Database,
  { campaignId, by }: Pick<WordChange, 'campaignId' | 'by'>,
): Promise<{ readonly state: CampaignState; readonly word: DispatchWord; readonly reason: string | null }> {
  return await db.transaction(async (tx) => {
    const before = await lockCampaign(tx, campaignId);
    const { state, word, reason } = before;
    if (hasEnded(state) || word === 'cancel') return { state, word, reason };
    await writeWord(tx, before, { campaignId, word: 'go', by });
    return { state, word: 'go', reason: null };
  });
}

/**
 * Takes back a pause of a start whose conditions turned out not to be met: a campaign that does not start is a Draft as
 * before.
 */
export async function backToDraft(
  db: Database,
  { campaignId, by }: Pick<WordChange, 'campaignId' | 'by'>,
): Promise<void> {
  await db.transaction(async (tx) => {
    const before = await lockCampaign(tx, campaignId);
    if (hasEnded(before.state) || before.word === 'cancel') return;
    await writeWord(tx, before, { campaignId, word: 'go', by, why: 'the campaign did not start' });
    const subState = before.state === 'Draft' ? 'None' : subStateOf(before.state);
    await tx.update(campaign).set({ subState, reason: null }).where(eq(campaign.id, campaignId));
  });
}

/** Says why the end of a cancelled campaign keeps it waiting; a person's own words where it does so no longer. */
export async function showReason(
  db: Queries,
  { campaignId, reason }: { readonly campaignId: string; readonly reason?: string | undefined },
): Promise<void> {
  await db
    .update(campaign)
    .set({ reason: reason ?? null })
    .where(and(eq(campaign.id, campaignId), eq(campaign.word, 'cancel')));
}

async function writeWord(
  tx: Queries,
  before: { readonly state: CampaignState; readonly word: DispatchWord },
  change: WordChange,
): Promise<void> {
  const subState = { pause: 'Paused', cancel: 'Cancelled', go: subStateOf(before.state) } as const;
  await tx
    .update(campaign)
    .set({ word: change.word, subState: subState[change.word], reason: change.why ?? null })
    .where(eq(campaign.id, change.campaignId));
  if (before.word !== change.word) await audit(tx, change, 'dispatch', before.word, change.word);
}

export interface GivenUpSteps {
  readonly campaignId: string;
  /** The step that failed; null where it is not known which one was at work. */
  readonly step: string | null;
  /** What became of the steps, to be shown with the campaign from now on. */
  readonly reason: string;
  /** Who gave them up. */
  readonly by: string;
  readonly why?: string | undefined;
}

/**
 * Notes that a person gave up the steps that a campaign had left when all its mail was out: it is Sent, or held just
 * before. A repeated note changes nothing.
 */
export async function giveUpSteps(db: Database, change: GivenUpSteps): Promise<void> {
  await db.transaction(async (tx) => {
    const before = await lockCampaign(tx, change.campaignId);
    const { reason } = change;
    const isHeldBefore = before.state === 'Sending' && before.word === 'pause';
    if (!(hasStepsLeft(before) || isHeldBefore) || (before.word === 'go' && before.reason === reason)) return;
    await tx
      .update(campaign)
      .set({ word: 'go', subState: 'Finishing', reason })
      .where(eq(campaign.id, change.campaignId));
    await audit(tx, change, 'steps', change.step, 'given up');
  });
}

/** Notes that a campaign whose books were to be closed is sending again, and why. */
export async function reopenBooks(
  db: Database,
  change: Pick<StateChange, 'campaignId' | 'by' | 'why'>,
): Promise<void> {
  await db.transaction(async (tx) => {
    await lockCampaign(tx, change.campaignId);
    await tx
      .update(campaign)
      .set({ subState: 'Sending' })
      .where(and(eq(campaign.id, change.campaignId), eq(campaign.subState, 'Finishing')));
    await audit(tx, change, 'books', 'closing', 'reopened');
  });
}

/** The last step of a campaign that is Sent is done: nothing about it will change any more. */
export async function endDispatch(db: Database, campaignId: string, by = 'exm'): Promise<void> {
  await db.transaction(async (tx) => {
    const before = await lockCampaign(tx, campaignId);
    if (before.state !== 'Sent') return;
    await tx.update(campaign).set({ word: 'go', subState: 'None' }).where(eq(campaign.id, campaignId));
    if (before.word !== 'go') await audit(tx, { campaignId, by }, 'dispatch', before.word, 'go');
  });
}

/** Says what a campaign is doing now, where it was doing `from`. */
export async function changeSubState(
  db: Database,
  campaignId: string,
  from: SubState,
  subState: SubState,
): Promise<void> {
  await db
    .update(campaign)
    .set({ subState })
    .where(and(eq(campaign.id, campaignId), eq(campaign.subState, from)));
}

function subStateOf(state: CampaignState): SubState {
  if (state === 'Sent') return 'Finishing';
  return state === 'Queuing' || state === 'Sending' ? state : 'Initialization';
}

/** A campaign's row, which nobody else changes until the transaction ends. @throws InputError CAMPAIGN_UNKNOWN */
export async function lockCampaign(tx: Queries, campaignId: string) {
  const [row] = await tx.select().from(campaign).where(eq(campaign.id, campaignId)).for('update');
  if (row === undefined) throw unknownCampaign(campaignId);
  return row;
}

async function audit(
  tx: Queries,
  { campaignId, by, why }: { campaignId: string; by: string; why?: string | undefined },
  what: string,
  from: string | null,
  to: string,
): Promise<void> {
  await tx.insert(campaignAudit).values({ campaignId, actor: by, what, from, to, why: why ?? null });
}
