import { eq } from 'drizzle-orm';
import { beforeAll, describe, expect, test } from 'vitest';
import { createCampaign } from '../../../src/campaigns/create-campaign.ts';
import {
  campaign,
  campaignGoal,
  campaignLink,
  campaignVariant,
  contactList,
  content,
} from '../../../src/db/schema.ts';
import { canonicalJson } from '../../../src/message/canonical-json.ts';
import { deployAnalytics, loadContent, publishDispatchItems } from '../../../src/message/freeze/deploy.ts';
import { contentHash } from '../../../src/message/freeze/freeze-content.ts';
import { renderBody } from '../../../src/message/render/render-body.ts';
import { useTestDatabase } from '../../support/database.ts';
import { ada, baseUrl, definition, keys } from '../fixtures.ts';

const database = useTestDatabase();
let id: string;
const campaignDefinition = definition({
  html: '<a href="https://a.example/">a</a><a href="https://b.example/?n={{ contact.firstName }}">b</a>',
  goals: [{ name: 'read', url: 'https://b.example/?n={{ contact.firstName }}', value: 5 }],
});
beforeAll(async () => {
  await database.db.insert(contactList).values({ name: 'customers' });
  ({ id } = await createCampaign(database.db, campaignDefinition));
});

describe('DeployAnalytics', () => {
  test('turns links, variants and goals into rows, once', async () => {
    await deployAnalytics(database.db, id, baseUrl);
    await deployAnalytics(database.db, id, baseUrl);
    const { db } = database;
    expect(
      await db
        .select()
        .from(campaignLink)
        .where(eq(campaignLink.campaignId, id))
        .orderBy(campaignLink.number),
    ).toEqual([
      { campaignId: id, number: 0, url: 'https://a.example/' },
      { campaignId: id, number: 1, url: 'https://b.example/?n={{ contact.firstName | url_component }}' },
    ]);
    expect(await db.select().from(campaignVariant).where(eq(campaignVariant.campaignId, id))).toEqual([
      { campaignId: id, number: 0, name: 'A' },
    ]);
    expect(await db.select().from(campaignGoal).where(eq(campaignGoal.campaignId, id))).toEqual([
      { campaignId: id, name: 'read', link: 1, value: 5 },
    ]);
  });

  test('refuses to let old events refer to other links', async () => {
    const other = (await createCampaign(database.db, campaignDefinition)).id;
    await database.db
      .insert(campaignLink)
      .values({ campaignId: other, number: 0, url: 'https://other.example/' });
    await expect(deployAnalytics(database.db, other, baseUrl)).rejects.toMatchObject({
      code: 'ANALYTICS_CHANGED',
    });
    const goals = await database.db.select().from(campaignGoal).where(eq(campaignGoal.campaignId, other));
    expect(goals).toEqual([]);
  });
});

describe('PublishDispatchItems', () => {
  test('stores the content under its hash, as often as it is called', async () => {
    const { hash } = await publishDispatchItems(database.db, id, baseUrl);
    expect(await publishDispatchItems(database.db, id, baseUrl)).toEqual({ hash });
    const [row] = await database.db.select().from(campaign).where(eq(campaign.id, id));
    expect(row?.contentHash).toBe(hash);
    const frozen = await loadContent(database.db, hash);
    expect(frozen).toMatchObject({
      campaignId: id,
      baseUrl,
      links: ['https://a.example/', expect.any(String)],
    });
  });

  test('keeps the values of the manager root, and the address to unsubscribe, that a campaign began with', async () => {
    const begun = await createCampaign(
      database.db,
      definition({ html: '<p>{{ managerRoot.company }} {{ unsubscribeUrl }}</p>' }),
      { managerRoot: { company: 'Fennel' } },
    );
    const first = await publishDispatchItems(database.db, begun.id, baseUrl, {
      managerRoot: { company: 'Fennel' },
      unsubscribeAddress: 'out@example.com',
    });
    const frozen = await loadContent(database.db, first.hash);
    expect(frozen).toMatchObject({
      managerRoot: { company: 'Fennel' },
      unsubscribeAddress: 'out@example.com',
    });
    const { html } = renderBody(frozen, { recipient: ada, position: 1, variant: 0, language: 'en' }, keys);
    expect(html).toContain('<p>Fennel https://');
    expect(
      await publishDispatchItems(database.db, begun.id, baseUrl, { managerRoot: { company: 'Slate' } }),
    ).toEqual(first);
    expect(await publishDispatchItems(database.db, begun.id, baseUrl)).toEqual(first);
  });

  test('refuses a campaign that does not exist', async () => {
    await expect(publishDispatchItems(database.db, 'none', baseUrl)).rejects.toMatchObject({
      code: 'CAMPAIGN_UNKNOWN',
    });
    await expect(deployAnalytics(database.db, 'none', baseUrl)).rejects.toMatchObject({
      code: 'CAMPAIGN_UNKNOWN',
    });
  });
});

describe('loading content', () => {
  test('refuses content of which a single byte was changed', async () => {
    const { hash } = await publishDispatchItems(database.db, id, 'https://other.example');
    const { body } = (await database.db.select().from(content).where(eq(content.hash, hash)))[0] ?? {
      body: '',
    };
    await database.db
      .update(content)
      .set({ body: body.replace('a.example', 'e.example') })
      .where(eq(content.hash, hash));
    await expect(loadContent(database.db, hash)).rejects.toMatchObject({
      code: 'CONTENT_ALTERED',
      retryable: false,
    });
  });

  test('refuses the form of a newer version, and takes one from before forms had numbers', async () => {
    const store = async (frozen: object) => {
      const body = canonicalJson(frozen);
      const hash = contentHash(body);
      await database.db.insert(content).values({ hash, body });
      return hash;
    };
    const newer = await store({ format: 2, campaignId: id });
    await expect(loadContent(database.db, newer)).rejects.toMatchObject({
      code: 'CONTENT_FORMAT',
      retryable: false,
      message: expect.stringContaining('its format is 2, and this version knows 1'),
    });
    expect(await loadContent(database.db, await store({ campaignId: id }))).toEqual({ campaignId: id });
  });

  test('refuses a hash that nobody published', async () => {
    await expect(loadContent(database.db, '0'.repeat(64))).rejects.toMatchObject({ code: 'CONTENT_MISSING' });
  });
});
