import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { interaction } from '../../src/db/schema.ts';
import { insertCampaign, insertContacts, insertList } from '../contacts/fixtures.ts';
import { createInstallation, type Installation } from '../support/installation.ts';

let installation: Installation;
let id: string;
let listName: string;
beforeAll(async () => {
  installation = await createInstallation();
  const { db } = installation.database;
  const [ann = 0, bob = 0] = await insertContacts(db, [
    { email: 'ann@example.com', language: 'de-at' },
    { email: 'bob@example.com' },
  ]);
  const list = await insertList(db, [ann, bob]);
  listName = list.name;
  id = await insertCampaign(db, { include: [list.id] });
  await db.execute(sql`
    update campaign set name = 'Autumn', queued = 2, state = 'Sending', sub_state = 'Paused', word = 'pause',
           reason = 'wrong price', definition = '{"pool": "default"}' where id = ${id}`);
  await db.execute(sql`
    insert into dispatch_queue (campaign_id, position, contact_id, language)
    values (${id}, 1, ${ann}, 'de'), (${id}, 2, ${bob}, 'en')`);
  await db.execute(sql`
    insert into dispatch_outcome (campaign_id, position, contact_id, batch, server, kind, reply, message_id, at)
    values (${id}, 1, ${ann}, 3, 'mta-1', 'sent', ${'250 Ok\u001b[2J'}, '<a.1@example.com>', '2026-09-01T08:00:10Z')`);
  const event = { campaignId: id, position: 1, contactId: ann };
  await db
    .insert(interaction)
    .values([{ ...event, type: 'EmailOpened', repeats: 2, at: new Date('2026-09-01T09:00:00Z') }]);
});
afterAll(async () => {
  await installation.dispose();
});

const why = async (...args: string[]) => await installation.exm(['why', ...args]);

describe('exm why', () => {
  it('answers in a sentence, then with what it was taken from', async () => {
    const { code, stdout } = await why(id, 'ANN@example.com');
    expect(code).toBe(0);
    expect(
      stdout,
    ).toBe(`Yes: "Autumn" was sent to ann@example.com at 2026-09-01 08:00:10 UTC by mta-1; the mail server answered "250 Ok�[2J".

campaign      Autumn (${id})
contact       ann@example.com, number 1, language de-at
goes to       ${listName} (on it)
leaves out    no list
excluded now  by nothing
queued        position 1 of 2, language de, variant 0
outcome       sent at 2026-09-01 08:00:10 UTC
by            mta-1, batch 3
reply         250 Ok�[2J
Message-ID    <a.1@example.com>

at (UTC)             event         by
2026-09-01 09:00:00  email opened  person  and 2 more within 5 min
`);
  });

  it('has the same as one JSON object', async () => {
    const { code, json } = await why(id, 'ann@example.com', '--json');
    expect(code).toBe(0);
    expect(json()).toMatchObject({
      answer: 'sent',
      email: 'ann@example.com',
      contact: { language: 'de-at' },
      queue: { position: 1, language: 'de' },
      outcome: { kind: 'sent', server: 'mta-1', messageId: '<a.1@example.com>' },
      events: [{ type: 'EmailOpened', repeats: 2 }],
      text: expect.stringMatching(/^Yes: "Autumn" was sent to /),
    });
  });

  it('says what somebody waits for, and that nothing works on the campaign any more', async () => {
    const { code, stdout } = await why(id, 'bob@example.com');
    expect(code).toBe(0);
    expect(stdout).toContain('Not yet: bob@example.com is queued, and has no outcome.\n');
    expect(stdout).toContain(
      `The campaign is paused: wrong price. "exm campaign resume ${id}" lets it go on.\n`,
    );
    expect(stdout).toMatch(/^But no workflow runs for this campaign any more: .*\.$/m);
  });

  it('could answer, too, where nobody is known by the address', async () => {
    const { code, json } = await why(id, 'who@example.com', '--json');
    expect(code).toBe(0);
    expect(json()).toMatchObject({ answer: 'no-contact', contact: null, queue: null });
  });

  it('ends with 2 where there is no such campaign, or the address is none', async () => {
    for (const [args, code] of [
      [['nobody-0000', 'ann@example.com'], 'CAMPAIGN_UNKNOWN'],
      [[id, 'ann'], 'ADDRESS_WRONG'],
    ] as const) {
      const result = await why(...args, '--json');
      expect({ exit: result.code, code: result.json().error.code }).toEqual({ exit: 2, code });
    }
    expect((await why(id)).code).toBe(2);
  });
});
