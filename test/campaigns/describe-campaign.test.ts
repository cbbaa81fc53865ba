import { beforeAll, describe, expect, test } from 'vitest';
import { createCampaign } from '../../src/campaigns/create-campaign.ts';
import { describeCampaign } from '../../src/campaigns/describe-campaign.ts';
import { campaignText } from '../../src/cli/show-campaign.ts';
import { publishDispatchItems } from '../../src/message/freeze/deploy.ts';
import { insertContacts, insertList, insertSegment } from '../contacts/fixtures.ts';
import { baseUrl, definition } from '../message/fixtures.ts';
import { useTestDatabase } from '../support/database.ts';

const body = (subject: string, html: string, file = 'mail.html') => ({
  subject,
  template: { format: 'html' as const, file, source: html },
});
const offer =
  '{% component offer %}<a href="https://shop.example/">All</a>{% variation vip %}Gold{% endcomponent %}';
const footer = '<a href="{{ unsubscribeUrl }}">Unsubscribe</a>';

describe('what a campaign is', () => {
  const database = useTestDatabase();
  let id: string;
  beforeAll(async () => {
    const { db } = database;
    const people = await insertContacts(db, [
      { email: 'a@example.org', facets: { tier: 'gold' } },
      { email: 'b@example.org' },
    ]);
    const customers = await insertList(db, people);
    const staff = await insertSegment(db, 'contact.email == "b@example.org"');
    const plain = `<p>Hello {{ contact.firstName }}</p>${footer}`;
    const created = await createCampaign(
      db,
      definition({
        name: 'Autumn',
        include: [customers.name],
        exclude: [staff.name],
        bodies: {
          en: body('Hello', `<p>\n${offer}{% if contact.facets.city %}x{% endif %}${footer}</p>`),
          de: body('Hallo', plain, 'de.html'),
        },
        test: {
          share: 20,
          winner: { by: 'click-rate', afterMs: 7_200_000 },
          variants: [
            {
              from: { name: 'Ada', address: 'ada@example.com' },
              bodies: { en: body('Hi', plain, 'b.html'), de: body('Na', plain, 'de.html') },
            },
          ],
        },
        fallback: { nl: ['de', 'en'] },
        rules: { offer: [{ when: 'contact.facets.tier == "gold"', show: 'vip' }] },
        goals: [{ name: 'order', url: 'https://shop.example/', value: 10 }],
        values: { season: 'autumn' },
        emulation: { minimumMs: 20, maximumMs: 80, failureProbability: 0.01 },
      }),
    );
    id = created.id;
  });
  const describeIt = () => describeCampaign(database.db, id, { baseUrl });

  test('says of each body how it is filled in, and which tags make it so', async () => {
    const { bodies } = await describeIt();
    expect(bodies.map(({ variant, language, mode }) => `${variant} ${language} ${mode}`)).toEqual([
      'A de token-replacement',
      'A en rule-based',
      'B de token-replacement',
      'B en token-replacement',
    ]);
    expect(bodies[1]?.because).toEqual([
      { tag: 'component', on: 'offer', where: 'mail.html:2:1' },
      { tag: 'if', on: 'contact.facets.city', where: expect.stringMatching(/^mail.html:2:\d+$/) },
    ]);
    expect(bodies[1]?.htmlBytes).toBeGreaterThan(200);
  });

  test('has its lists, languages, variants, rules, links and goals, and says whether it is frozen', async () => {
    const draft = await describeIt();
    expect(draft).toMatchObject({
      state: 'Draft',
      lists: expect.arrayContaining([
        { name: expect.any(String), role: 'include', members: 2 },
        { name: expect.any(String), role: 'exclude', members: 1 },
      ]),
      languages: ['de', 'en'],
      fallback: { nl: ['de', 'en'] },
      test: { share: 20, winnerBy: 'click-rate', afterMs: 7_200_000, winner: null },
      links: [{ number: 0, url: 'https://shop.example/', goals: ['order'] }],
      content: { isFrozen: false },
    });
    const { hash } = await publishDispatchItems(database.db, id, baseUrl);
    expect(await describeIt()).toEqual({ ...draft, content: { hash, isFrozen: true } });
  });

  test('is told in words', async () => {
    const text = campaignText(await describeIt());
    for (const words of [
      `Autumn (${id}) is Draft`,
      'from B      Ada <ada@example.com>',
      'de, en (default); nl falls back on de, then en',
      'variants A, B to 20 % of the recipients; the winner by click rate after 2 h',
      'mail.html:2:1: {% component %} depends on the rules of offer',
      'offer shows\n  vip              contact.facets.tier == "gold"\n  default content  otherwise',
      'order, worth 10, by link 0',
      '20 to 80 ms a message, 1 % fail',
    ]) {
      expect(text).toContain(words);
    }
  });
});
