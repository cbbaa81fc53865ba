import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeDatabase, connectDatabase } from '../../src/db/connect.ts';
import { campaign } from '../../src/db/schema.ts';
import { createLogger } from '../../src/logging.ts';
import type { CampaignReport } from '../../src/reporting/report.ts';
import { buildReporting } from '../../src/reporting/server.ts';
import { createTestDatabase } from '../support/database.ts';
import { insertCampaign, insertRichCampaign } from './sample-campaign.ts';

const database = await createTestDatabase();
const { db } = database;
const log = createLogger('test');
const server = buildReporting({ db, log });
let url = '';
const id = 'autumn-7k3f';

beforeAll(async () => {
  await insertRichCampaign(db, id);
  url = await server.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

const get = async (path: string) => {
  const response = await fetch(`${url}${path}`);
  return { status: response.status, headers: response.headers, text: await response.text() };
};

describe('the report of a campaign', () => {
  it('has the books, and says where everybody is', async () => {
    const report = JSON.parse((await get(`/campaigns/${id}.json`)).text) as CampaignReport;
    expect(report.books).toEqual({
      queued: 1_000,
      sent: 870,
      failed: 10,
      skipped: 15,
      cancelled: 0,
      inDoubt: 5,
      remaining: 100,
      balanced: false,
    });
    expect(report.progress.done).toBeCloseTo(0.9);
    expect(report.progress.secondsLeft).toBeGreaterThan(0);
    expect(report.excluded).toEqual([
      { reason: 'duplicate-address', count: 41 },
      { reason: 'global-opt-out', count: 12 },
      { reason: 'undelivered-maximum', count: 3 },
    ]);
    expect(report.failures).toEqual([
      { kind: 'skipped', reason: 'global-opt-out', count: 15 },
      { kind: 'failed', reason: '550 5.1.1 <…@…>: no such user', count: 10 },
      { kind: 'in_doubt', reason: 'connection lost after the message', count: 5 },
    ]);
    expect(report.servers).toEqual([
      { name: 'mta-1', sent: 700, failed: 10, skipped: 0, inDoubt: 0, sleepMs: 50, presence: 'alive' },
      { name: 'mta-2', sent: 170, failed: 0, skipped: 15, inDoubt: 5, sleepMs: 200, presence: 'dead' },
    ]);
    expect(report.timeline.map(({ actor, what, to }) => [actor, what, to])).toEqual([
      ['ann', 'state', 'Queuing'],
      ['exm', 'state', 'Sending'],
      ['exm', 'dispatch', 'pause'],
    ]);
  });

  it('counts what people did apart from image proxies and link scanners', async () => {
    const { events, links } = JSON.parse((await get(`/campaigns/${id}.json`)).text) as CampaignReport;
    const by = (type: string) => events.find((event) => event.type === type)?.by;
    expect(by('EmailOpened')).toMatchObject({
      person: { unique: 240, total: 240 },
      'image-proxy': { unique: 300, total: 300 },
    });
    expect(by('EmailClicked')).toMatchObject({
      person: { unique: 60, total: 85 },
      'link-scanner': { unique: 31, total: 31 },
    });
    expect(by('UnsubscribedFromEmail')?.person).toEqual({ unique: 1, total: 1 });
    expect(links.map(({ clicks }) => clicks)).toEqual([
      { unique: 60, total: 60 },
      { unique: 25, total: 25 },
    ]);
  });

  it('counts each person who bounced once, by the gravest that came back, and who complained', async () => {
    const { feedback } = JSON.parse((await get(`/campaigns/${id}.json`)).text) as CampaignReport;
    expect(feedback).toEqual({ bounces: { hard: 5, soft: 9, policy: 1 }, complaints: 2 });
    const { text } = await get(`/campaigns/${id}`);
    expect(text).toMatch(/Hard bounces<small>[^<]*<\/small><\/td>\s*<td class="number">5<small>0\.6 %/);
    expect(text).toMatch(/Complaints<small>/);
  });

  it('is a page too, with everything in it escaped', async () => {
    const { status, headers, text } = await get(`/campaigns/${id}`);
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(text).toContain('Autumn &lt;b&gt;&amp; friends&lt;/b&gt;');
    expect(text).not.toContain('<b>& friends');
    expect(text).toContain(
      '1,000 queued = 870 sent + 10 failed + 15 skipped + 0 cancelled + 5 in doubt + 100 remaining',
    );
    expect(text).toContain('http-equiv="refresh"');
  });

  it('has no address in it, and nothing from another server', async () => {
    for (const path of ['/', '/campaigns.json', `/campaigns/${id}`, `/campaigns/${id}.json`]) {
      const { text } = await get(path);
      expect(text).not.toMatch(/[\w.]+@[\w.]+/);
      expect(text).not.toMatch(/<(?:script|link [^>]*href="http|img)/);
    }
  });

  it('is kept still once the campaign has ended, and says whether the books balance', async () => {
    await insertCampaign(db, 'winter-1a2b', 0, { state: 'Sent', endedAt: new Date('2026-09-01T08:00:02Z') });
    const { text } = await get('/campaigns/winter-1a2b');
    expect(text).not.toContain('http-equiv="refresh"');
    expect(text).toContain('the books balance');
    await insertCampaign(db, 'spring-3c4d', 5, { state: 'Sent', endedAt: new Date('2026-09-01T08:00:02Z') });
    expect((await get('/campaigns/spring-3c4d')).text).toContain('the books do not balance');
  });
});

describe('the list of campaigns', () => {
  it('is newest first, in pages', async () => {
    await db.execute(sql`
      insert into campaign (id, name, definition, created_at)
      select 'old-' || n, 'Old ' || n, '{}', now() - n * interval '1 day' from generate_series(1, 60) n`);
    const first = JSON.parse((await get('/campaigns.json')).text);
    const second = JSON.parse((await get('/campaigns.json?page=2')).text);
    expect(first.campaigns).toHaveLength(50);
    expect(first.hasMore).toBe(true);
    expect(second.hasMore).toBe(false);
    expect(first.campaigns.length + second.campaigns.length).toBe(await db.$count(campaign));
    expect((await get('/')).text).toContain('older →');
    expect((await get('/?page=2')).text).toContain('Old 60');
  });

  it.each(['0', '-1', 'x', '9999999', '', '1;drop'])('takes the page "%s" as the first one', async (page) => {
    expect((await get(`/?page=${encodeURIComponent(page)}`)).text).toContain('Autumn');
  });
});

describe('the server', () => {
  it.each(['/campaigns/nobody-0000', '/campaigns/%00', '/campaigns/..%2f..', '/campaigns/', '/elsewhere'])(
    'answers 404 to %s',
    async (path) => {
      const { status, text } = await get(path);
      expect(status).toBe(404);
      expect(text).toContain('Not found');
    },
  );

  it('answers JSON to who asks for JSON', async () => {
    const { status, text } = await get('/campaigns/nobody-0000.json');
    expect(status).toBe(404);
    expect(JSON.parse(text)).toEqual({ error: { message: 'There is no campaign with this id.' } });
  });

  it('forbids everything that its pages do not need', async () => {
    const { headers } = await get('/');
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'sha256-/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cache-control')).toBe('no-store');
  });

  it('reads only', async () => {
    expect((await fetch(`${url}/campaigns/${id}`, { method: 'POST' })).status).toBe(404);
    expect((await fetch(`${url}/campaigns/${id}`, { method: 'DELETE' })).status).toBe(404);
  });

  it('says 503 while the database is away, and how it is', async () => {
    expect(await get('/healthz')).toMatchObject({ status: 200, text: '{"status":"ok"}' });
    const away = connectDatabase('postgres://nobody@127.0.0.1:1/none', { applicationName: 'away' });
    const lonely = buildReporting({ db: away, log });
    expect((await lonely.inject('/healthz')).statusCode).toBe(503);
    const answer = await lonely.inject('/');
    expect(answer.statusCode).toBe(503);
    expect(answer.body).not.toContain('ECONNREFUSED');
    await lonely.close();
    await closeDatabase(away);
  });
});
