import { asc, eq } from 'drizzle-orm';
import type { Queries } from '../db/connect.ts';
import { campaignAudit } from '../db/schema.ts';

/** Who changed what of a campaign, when (ISO 8601) and why. */
export interface AuditEntry {
  readonly at: string;
  readonly actor: string;
  readonly what: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly why: string | null;
}

/** A campaign's audit trail, the earliest entry first. */
export async function auditTrail(db: Queries, campaignId: string): Promise<AuditEntry[]> {
  const rows = await db
    .select()
    .from(campaignAudit)
    .where(eq(campaignAudit.campaignId, campaignId))
    .orderBy(asc(campaignAudit.id));
  return rows.map(({ at, actor, what, from, to, why }) => ({
    at: at.toISOString(),
    actor,
    what,
    from,
    to,
    why,
  }));
}
