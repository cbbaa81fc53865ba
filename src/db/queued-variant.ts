import { sql } from 'drizzle-orm';
import { campaign, dispatchQueue } from './schema.ts';

/** The variant of a row of the queue, beside its campaign: what it was dealt, else the winner; null until that is chosen. */
export const variantOfQueued = sql<number | null>`coalesce(${dispatchQueue.variant}, ${campaign.winner})`;
