import { eq, sql } from 'drizzle-orm';
import { beforeAll, describe, expect, test } from 'vitest';
import { createCampaign } from '../../src/campaigns/create-campaign.ts';
import { campaign, campaignAudit, campaignList, contact, contactList } from '../../src/db/schema.ts';
import { InputError } from '../../src/domain/errors.ts';
import { FindingsError } from '../../src/message/check/findings.ts';
import { definition } from '../message/fixtures.ts';
import { useTestDatabase } from '../support/database.ts';

const database = useTestDatabase();
beforeAll(async () => {
  await database.db.insert(contactList).values([{ name: 'customers' }, { name: 'staff' }, { name: 'press' }]);
  await database.db.insert(contact).values({
    email: 'ada@example.org',
    emailKey: 'ada@example.org',
    facets: { city: 'London', "it's": 'x' },
  });
});

const create = (change: Parameters<typeof definition>[0] = {}) =>
  createCampaign(database.db, definition(change), { by: 'ops' });

describe('creating a campaign', () => {
  test('stores it as a draft with its lists and the beginning of its audit trail', async () => {
    const { id } = await create({
      name: 'Über Ångström!',
      include: ['customers', 'staff', 'customers'],
      exclude: ['press'],
    });
    expect(id).toMatch(/^uber-angstrom-[0-9a-hjkmnp-tv-z]{4}$/);
    const [row] = await database.db.select().from(campaign).where(eq(campaign.id, id));
    expect(row).toMatchObject({
      name: 'Über Ångström!',
      state: 'Draft',
      subState: 'None',
      word: 'go',
      contentHash: null,
    });
    expect(row?.definition).toEqual(
      JSON.parse(
        JSON.stringify(
          definition({
            name: 'Über Ångström!',
            include: ['customers', 'staff', 'customers'],
            exclude: ['press'],
          }),
        ),
      ),
    );
    const lists = await database.db
      .select({ name: contactList.name, role: campaignList.role })
      .from(campaignList)
      .innerJoin(contactList, eq(contactList.id, campaignList.listId))
      .where(eq(campaignList.campaignId, id))
      .orderBy(contactList.name);
    expect(lists).toEqual([
      { name: 'customers', role: 'include' },
      { name: 'press', role: 'exclude' },
      { name: 'staff', role: 'include' },
    ]);
    const trail = await database.db.select().from(campaignAudit).where(eq(campaignAudit.campaignId, id));
    expect(trail).toMatchObject([{ actor: 'ops', what: 'state', from: null, to: 'Draft' }]);
  });

  test('refuses rules that fit no template, and warns of those that ask for a facet nobody has', async () => {
    const html = '<p>{{ unsubscribeUrl }}{% component offer %}x{% variation vip %}y{% endcomponent %}</p>';
    const rule = (facet: string, show: string) => ({
      rules: { offer: [{ when: `contact.facets.${facet} == "Rome"`, show }] },
    });
    await expect(create({ html, ...rule('city', 'vpi') })).rejects.toMatchObject({ code: 'RULE_VARIATION' });
    expect((await create({ html, ...rule('city', 'vip') })).warnings).toEqual([]);
    expect((await create({ html, ...rule('cty', 'vip') })).warnings).toMatchObject([
      {
        severity: 'warning',
        code: 'RULE_IDLE',
        where: 'rules',
        message:
          'rules.offer[0].when: no contact has the facet "cty": the rule asks in vain. Did you mean "city"?',
      },
    ]);
  });

  test('gives each its own id, also where a name has no letters', async () => {
    const ids = await Promise.all(['!!!', '!!!', '日本'].map(async (name) => (await create({ name })).id));
    expect(new Set(ids).size).toBe(3);
    for (const id of ids) expect(id).toMatch(/^campaign-.{4}$/);
  });

  test('takes the short name of a facet that some contact has', async () => {
    await expect(create({ html: '{{ contact.city }} {{ contact["it\'s"] }}' })).resolves.toBeDefined();
  });

  test('warns of a body without an unsubscribe link', async () => {
    expect((await create()).warnings).toMatchObject([{ code: 'NO_UNSUBSCRIBE', where: 'mail.html:1:1' }]);
    expect((await create({ html: '<a href="{{ unsubscribeUrl }}">x</a>' })).warnings).toEqual([]);
  });
});

describe('a definition with a mistake is refused, and nothing is stored', () => {
  test.each<[string, Parameters<typeof definition>[0], string, RegExp]>([
    [
      'a list that does not exist',
      { include: ['custmers'] },
      'LIST_UNKNOWN',
      /^include\[0\]: there is no list "custmers"\. Did you mean "customers"\?/,
    ],
    ['an excluded list that does not exist', { exclude: ['press', 'none'] }, 'LIST_UNKNOWN', /exclude\[1\]/],
    [
      'a facet that nobody has',
      { html: '{{ contact.firstnam }}' },
      'TEMPLATE_TOKEN',
      /mail\.html:1:4: there is no token \{\{ contact\.firstnam \}\}\. Did you mean "firstName"/,
    ],
    ['a misspelt facet', { html: '{{ contact.citty }}' }, 'TEMPLATE_TOKEN', /Did you mean "city"/],
    ['a token that does not exist', { subject: '{{ nme }}' }, 'TEMPLATE_TOKEN', /no token/],
    ['wrong Liquid', { html: '{{ contact.email' }, 'TEMPLATE_LIQUID', /mail\.html:1:1/],
    [
      'wrong MJML',
      { mjml: '<mjml><mj-body><mj-nothing/></mj-body></mjml>' },
      'TEMPLATE_MJML',
      /mail\.mjml:1/,
    ],
    ['a relative link', { html: '<a href="/x">x</a>' }, 'TEMPLATE_LINK', /is relative/],
    [
      'a goal that no link leads to',
      { goals: [{ name: 'a', url: 'https://a.example', value: 1 }] },
      'GOAL_LINK',
      /goal "a"/,
    ],
  ])('%s', async (_what, change, code, message) => {
    const count = async () =>
      (await database.db.select({ count: sql<number>`count(*)::int` }).from(campaign))[0]?.count;
    const before = await count();
    const error = await create(change).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InputError);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(await count()).toBe(before);
  });

  test('with several, all of which are told', async () => {
    const change = { html: '<a href="/x">x</a> {{ contact.citty }}', include: ['custmers', 'pess'] };
    const error = await create(change).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(FindingsError);
    expect(error).toMatchObject({
      code: 'CAMPAIGN_CHECK',
      message: expect.stringMatching(/^There are 4 errors:\n {2}include\[0\]: .*\n {2}include\[1\]: /),
      findings: [
        { code: 'LIST_UNKNOWN', where: 'include[0]' },
        { code: 'LIST_UNKNOWN', where: 'include[1]' },
        { severity: 'warning', code: 'NO_UNSUBSCRIBE' },
        { code: 'TEMPLATE_LINK', where: 'mail.html:1:4' },
        { code: 'TEMPLATE_TOKEN', where: 'mail.html:1:23' },
      ],
    });
  });
});
