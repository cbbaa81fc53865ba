import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { changeAddress } from '../../../src/contacts/addresses/change-address.ts';
import { audienceOf } from '../../../src/contacts/audience/audience.ts';
import { optOut } from '../../../src/contacts/consent/opt-out.ts';
import { importOptOuts } from '../../../src/contacts/import/import-opt-outs.ts';
import { useTestDatabase } from '../../support/database.ts';
import { waitFor } from '../../support/wait-for.ts';
import { audienceSettings, insertCampaign, insertContacts, insertList } from '../fixtures.ts';

const database = useTestDatabase();

it('an opt-out that a file says again counts from when it is entered, not from when the file was begun', async () => {
  const { db } = database;
  const list = await insertList(db, await insertContacts(db, [{ email: 'old@example.com' }]));
  const campaignId = await insertCampaign(db, { include: [list.id] });
  const slow = new Readable({ read: () => undefined });
  slow.push(`email\n${Array.from({ length: 5_000 }, (_, n) => `other${n}@example.com`).join('\n')}\n`);
  const entered = importOptOuts(db, slow, { reason: 'file' });
  // The transaction of the file has begun.
  await waitFor(async () => {
    const { rows } = await db.$client.query(
      `select from pg_stat_activity where datname = current_database() and xact_start < now() and state like 'idle in%'`,
    );
    return rows.length > 0;
  });
  await changeAddress(db, 'old@example.com', 'new@example.com');
  await optOut(db, 'old@example.com', 'by phone');
  expect((await audienceOf(db, campaignId, audienceSettings)).queued).toBe(0);
  slow.push('old@example.com\n');
  slow.push(null);
  await entered;
  expect((await audienceOf(db, campaignId, audienceSettings)).queued).toBe(0);
});
