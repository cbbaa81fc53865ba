import { and, eq } from 'drizzle-orm';
import { findRecipientById } from '../contacts/audience/find-recipient.ts';
import type { Recipient } from '../contacts/audience/recipient.ts';
import type { Database } from '../db/connect.ts';
import { variantOfQueued } from '../db/queued-variant.ts';
import { campaign, dispatchQueue } from '../db/schema.ts';

/** Whose message a test message is that went to no contact. */
export const nobody: Recipient = {
  contactId: 0,
  email: '',
  firstName: '',
  lastName: '',
  language: '',
  facets: {},
};

/** The contact as it is now; undefined where it no longer exists. */
export async function readRecipient(db: Database, contactId: number): Promise<Recipient | undefined> {
  if (contactId === 0) return nobody;
  return await findRecipientById(db, contactId);
}

/** Which body a recipient got. */
export async function readQueuedBody(
  db: Database,
  campaignId: string,
  position: number,
): Promise<{ variant: number; language: string } | undefined> {
  const [row] = await db
    .select({ variant: variantOfQueued, language: dispatchQueue.language })
    .from(dispatchQueue)
    .leftJoin(campaign, eq(campaign.id, dispatchQueue.campaignId))
    .where(and(eq(dispatchQueue.campaignId, campaignId), eq(dispatchQueue.position, position)));
  return row && { ...row, variant: row.variant ?? 0 };
}
