import { randomUUID } from 'node:crypto';
import { eq } from 'drizzle-orm';
import type { Queries } from '../db/connect.ts';
import { type TestSendResult, testSend } from '../db/schema.ts';
import { FailedError } from '../domain/errors.ts';

export interface NewTestSend {
  readonly campaignId: string;
  readonly addresses: readonly string[];
  /** None: the campaign's default language. */
  readonly languages?: readonly string[];
  /** None: all of them. */
  readonly variants?: readonly number[];
}

/** Stores whom a test goes to. @returns its id, which may stand in a Temporal history. */
export async function createTestSend(db: Queries, test: NewTestSend): Promise<string> {
  const id = randomUUID();
  await db.insert(testSend).values({
    id,
    campaignId: test.campaignId,
    addresses: [...test.addresses],
    languages: [...(test.languages ?? [])],
    variants: [...(test.variants ?? [])],
  });
  return id;
}

export async function readTestSend(db: Queries, id: string): Promise<typeof testSend.$inferSelect> {
  const [row] = await db.select().from(testSend).where(eq(testSend.id, id));
  if (row === undefined)
    throw new FailedError('TEST_SEND_UNKNOWN', 'There is no test send with this id.', {
      field: 'testSendId',
      value: id,
    });
  return row;
}

export async function storeTestResults(
  db: Queries,
  id: string,
  results: readonly TestSendResult[],
): Promise<void> {
  await db
    .update(testSend)
    .set({ results: [...results] })
    .where(eq(testSend.id, id));
}
