import { and, asc, eq } from 'drizzle-orm';
import type { Queries } from '../../db/connect.ts';
import { variantOfQueued } from '../../db/queued-variant.ts';
import {
  campaign,
  campaignVariant,
  dispatchDeferral,
  dispatchExclusion,
  dispatchOutcome,
  dispatchQueue,
} from '../../db/schema.ts';
import type { ExclusionReason } from '../../domain/outcome.ts';
import type { RecipientReport } from './recipient-report.ts';

/** A contact's place in the queue of a campaign. */
export async function queueEntry(
  db: Queries,
  campaignId: string,
  contactId: number,
): Promise<RecipientReport['queue']> {
  const [row] = await db
    .select({
      position: dispatchQueue.position,
      language: dispatchQueue.language,
      variant: variantOfQueued,
      variantName: campaignVariant.name,
    })
    .from(dispatchQueue)
    .leftJoin(campaign, eq(campaign.id, dispatchQueue.campaignId))
    .leftJoin(
      campaignVariant,
      and(
        eq(campaignVariant.campaignId, dispatchQueue.campaignId),
        eq(campaignVariant.number, variantOfQueued),
      ),
    )
    .where(and(eq(dispatchQueue.campaignId, campaignId), eq(dispatchQueue.contactId, contactId)))
    .orderBy(asc(dispatchQueue.position))
    .limit(1);
  return row ?? null;
}

/** Why a contact was left out when the campaign was queued. */
export async function leftOutFor(
  db: Queries,
  campaignId: string,
  contactId: number,
): Promise<ExclusionReason | null> {
  const [row] = await db
    .select({ reason: dispatchExclusion.reason })
    .from(dispatchExclusion)
    .where(and(eq(dispatchExclusion.campaignId, campaignId), eq(dispatchExclusion.contactId, contactId)));
  return row?.reason ?? null;
}

export async function outcomeAt(
  db: Queries,
  campaignId: string,
  position: number,
): Promise<RecipientReport['outcome']> {
  const [row] = await db
    .select()
    .from(dispatchOutcome)
    .where(and(eq(dispatchOutcome.campaignId, campaignId), eq(dispatchOutcome.position, position)));
  if (row === undefined) return null;
  const { kind, at, batch, server, reason, reply, messageId } = row;
  return { kind, at: at.toISOString(), batch, server, reason, reply, messageId };
}

export async function deferralAt(
  db: Queries,
  campaignId: string,
  position: number,
): Promise<RecipientReport['deferral']> {
  const [row] = await db
    .select()
    .from(dispatchDeferral)
    .where(and(eq(dispatchDeferral.campaignId, campaignId), eq(dispatchDeferral.position, position)));
  if (row === undefined) return null;
  const { attempts, firstAt, dueAt, reply } = row;
  return { attempts, firstAt: firstAt.toISOString(), dueAt: dueAt.toISOString(), reply };
}
