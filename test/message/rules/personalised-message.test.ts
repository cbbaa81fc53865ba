import { describe, expect, test } from 'vitest';
import type { Recipient } from '../../../src/contacts/audience/recipient.ts';
import { checkTokens } from '../../../src/message/check/tokens.ts';
import { renderBody } from '../../../src/message/render/render-body.ts';
import { redirectTarget } from '../../../src/tracking/links/redirect-target.ts';
import { definition, freeze, keys, recipient } from '../fixtures.ts';

const rules = {
  offer: [
    { when: 'contact.facets.tier == "gold"', show: 'vip' },
    { when: '!has(contact.facets.tier)', hide: true },
  ],
} as const;

/** As documented: tags stand in mj-raw around elements. */
const mjml = `<mjml>
<mj-body>
<mj-raw>{% component offer %}</mj-raw>
<mj-section><mj-column><mj-text>Our <a href="https://shop.example/all">autumn offer</a></mj-text></mj-column></mj-section>
<mj-raw>{% variation vip %}</mj-raw>
<mj-section><mj-column><mj-text>For you, {{ contact.firstName }}</mj-text><mj-button href="https://shop.example/vip?c={{ contact.firstName }}">Gold</mj-button></mj-column></mj-section>
<mj-raw>{% endcomponent %}</mj-raw>
<mj-section><mj-column>
<mj-text>Always</mj-text>
<mj-raw>{% component footer %}</mj-raw><mj-text>Imprint</mj-text><mj-raw>{% endcomponent %}</mj-raw>
</mj-column></mj-section>
</mj-body>
</mjml>`;

async function send(facets: Recipient['facets'], change: Parameters<typeof definition>[0] = { mjml }) {
  const content = await freeze({ rules, ...change });
  const request = {
    recipient: recipient({ firstName: '<Ada>', facets }),
    position: 3,
    variant: 0,
    language: 'en',
  };
  const { subject, html, text } = renderBody(content, request, keys);
  return { content, subject, html, text };
}

describe('a message with components', () => {
  test('has in its HTML and its text part what the rules choose for the recipient', async () => {
    const gold = await send({ tier: 'gold' });
    expect(gold.html).toContain('For you, &lt;Ada&gt;');
    expect(gold.html).not.toContain('autumn offer');
    expect(gold.text).toContain('For you, <Ada>');
    expect(gold.text).not.toContain('autumn offer');
    const silver = await send({ tier: 'silver' });
    expect(silver.html).toContain('autumn offer');
    expect(silver.text).toContain('autumn offer');
    expect(silver.html + silver.text).not.toContain('For you');
    const nobody = await send({});
    expect(nobody.html + nobody.text).not.toMatch(/For you|autumn offer/);
    for (const { html, text } of [gold, silver, nobody]) {
      expect(html).toContain('Always');
      expect(html).toContain('Imprint');
      expect(text).toContain('Always');
      expect(html + text).not.toMatch(/\{%|lq0x/);
    }
  });

  test('is well-formed HTML whatever is chosen', async () => {
    for (const facets of [{ tier: 'gold' }, { tier: 'tin' }, {}]) {
      const { html } = await send(facets as Record<string, string>);
      const everywhere = html.replace(/<!--.*?-->/gs, '');
      const outlook = html.replace(
        /<!--\[if (?:mso|\(?!?mso)[^\]]*\]>(?:<!-->)?|(?:<!--)?<!\[endif\]-->/g,
        '',
      );
      for (const text of [everywhere, outlook]) {
        for (const element of ['div', 'table', 'tbody', 'tr', 'td']) {
          const count = (pattern: string) => text.match(new RegExp(pattern, 'g'))?.length ?? 0;
          expect(`${element} ${count(`<${element}[\\s>]`)}`).toBe(`${element} ${count(`</${element}>`)}`);
        }
      }
      expect(html.match(/<!--\[if/g)?.length).toBe(html.match(/<!\[endif\]-->/g)?.length);
    }
  });

  test('has the links of all its variations tracked, each with its own number', async () => {
    const { content, html, text } = await send({ tier: 'gold' });
    expect(content.links).toEqual([
      'https://shop.example/all',
      'https://shop.example/vip?c={{ contact.firstName | url_component }}',
    ]);
    expect(html).toMatch(/href="https:\/\/mail\.example\.com\/c\/[^"/]+\/1"/);
    expect(html).not.toContain('shop.example');
    expect(text).toMatch(/\/c\/[^/]+\/1>/);
  });

  test('may have them in the address of a link, and leads each recipient to their own', async () => {
    const change = {
      html: '<a href="https://shop.example/{% component offer %}all{% variation vip %}vip?n={{ contact.firstName }}{% endcomponent %}">x</a>',
    };
    const target = async (facets: Recipient['facets']) => {
      const { content, html } = await send(facets, change);
      expect(html).not.toContain('shop.example');
      const request = {
        recipient: recipient({ firstName: 'A&B', facets }),
        position: 3,
        variant: 0,
        language: 'en',
      };
      return redirectTarget(content, content.links[0] ?? '', request, 'TOKEN');
    };
    expect(await target({ tier: 'gold' })).toBe('https://shop.example/vip?n=A%26B');
    expect(await target({ tier: 'tin' })).toBe('https://shop.example/all');
    expect(await target({})).toBe('https://shop.example/');
  });

  test('may have them in its subject and in a text part of its own', async () => {
    const part =
      '{% component offer %}For all{% variation vip %}For {{ contact.firstName }}{% endcomponent %}';
    const change = { html: '<p>x</p>', subject: part, text: part };
    expect(await send({ tier: 'gold' }, change)).toMatchObject({ subject: 'For <Ada>', text: 'For <Ada>' });
    expect(await send({ tier: 'tin' }, change)).toMatchObject({ subject: 'For all', text: 'For all' });
    expect(await send({}, change)).toMatchObject({ subject: '', text: '' });
  });

  test('has the tokens of its variations checked', () => {
    const html = '<p>{% component offer %}x{% variation vip %}\n{{ contct.firstName }}{% endcomponent %}</p>';
    expect(checkTokens(definition({ html })).findings).toMatchObject([
      {
        where: 'mail.html:2:4',
        message: expect.stringMatching(/there is no token .*Did you mean "contact"/),
      },
    ]);
    expect(checkTokens(definition({ html: '<p>\n{% component offer %}x</p>' })).findings).toMatchObject([
      {
        where: 'mail.html:2:1',
        message: expect.stringMatching(/^this Liquid is wrong: the component "offer" is not closed/),
      },
    ]);
  });
});
