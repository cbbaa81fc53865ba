import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defaultConfigSettings } from '../../src/config/exm-config.ts';
import { content } from '../../src/db/schema.ts';
import { ContentCache } from '../../src/dispatch/content-cache.ts';
import { canonicalJson } from '../../src/message/canonical-json.ts';
import { contentHash } from '../../src/message/freeze/freeze-content.ts';
import { freeze, keys } from '../message/fixtures.ts';
import { useTestDatabase } from '../support/database.ts';
import { attempt, booksByAddress, dispatchHost, queuedCampaign } from '../support/dispatch-host.ts';
import { type SmtpReceiver, startSmtpReceiver } from '../support/smtp-receiver.ts';

describe('rules of frozen content', () => {
  const database = useTestDatabase();
  let receiver: SmtpReceiver;
  beforeAll(async () => {
    receiver = await startSmtpReceiver();
  });
  afterAll(async () => {
    await receiver?.close();
  });

  test('decide for each recipient of a batch; that one cannot be evaluated is logged without saying for whom', async () => {
    const lines: string[] = [];
    const host = dispatchHost(database.db, { smtpUrl: receiver.url });
    const log = pino({ level: 'warn' }, { write: (line: string) => lines.push(line) });
    const batch = await queuedCampaign(
      database.db,
      [
        { email: 'gold@example.org', facets: { points: '200' } },
        { email: 'tin@example.org', facets: { points: '20' } },
        { email: 'odd@example.org', facets: { points: 'secret' } },
      ],
      {
        html: '<p>{% component offer %}for all{% variation vip %}for the few{% endcomponent %}</p>',
        rules: { offer: [{ when: 'int(contact.facets.points) > 100', show: 'vip' }] },
      },
    );
    await attempt({ ...host, log }, batch);
    host.close();
    const shown = Object.fromEntries(
      receiver.messages.map(({ to, raw }) => [to[0], /for (?:all|the few)/.exec(raw.toString())?.[0]]),
    );
    expect(shown).toEqual({
      'gold@example.org': 'for the few',
      'tin@example.org': 'for all',
      'odd@example.org': 'for all',
    });
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ campaignId: batch.campaignId, component: 'offer', rule: 1, messages: 1 }),
    ]);
    expect(lines.join('')).not.toMatch(/secret|odd/);
    expect(
      Object.values(await booksByAddress(database.db, batch.campaignId)).map(({ kind }) => kind),
    ).toEqual(['sent', 'sent', 'sent']);
  });

  test('that this version cannot read are found when the content is loaded', async () => {
    const body = canonicalJson({
      ...(await freeze()),
      rules: { offer: [{ when: 'now() > 1', hide: true }] },
    });
    const hash = contentHash(body);
    await database.db.insert(content).values({ hash, body });
    const contents = new ContentCache(database.db, keys, defaultConfigSettings);
    await expect(contents.load(hash)).rejects.toMatchObject({ code: 'RULE_EXPRESSION' });
  });
});
