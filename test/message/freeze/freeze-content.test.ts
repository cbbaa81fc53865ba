import { describe, expect, test } from 'vitest';
import { checkTokens } from '../../../src/message/check/tokens.ts';
import { freezeContent } from '../../../src/message/freeze/freeze-content.ts';
import { renderBody } from '../../../src/message/render/render-body.ts';
import { baseUrl, definition, freeze, keys, recipient } from '../fixtures.ts';

const page = (inside: string) => `<html><body>${inside}</body></html>`;
const mjml = (inside: string) =>
  `<mjml>\n<mj-body>\n<mj-section>\n<mj-column>\n${inside}\n</mj-column>\n</mj-section>\n</mj-body>\n</mjml>`;
const tracked = (link: number) => `${baseUrl}/c/{{ _exm.token }}/${link}`;
const bodyOf = async (change: Parameters<typeof freeze>[0]) => (await freeze(change)).bodies[0];

describe('frozen content', () => {
  test('has the same hash for the same definition, and another for any change', async () => {
    const options = { campaignId: 'autumn-7k3f', baseUrl };
    const source = mjml(
      '<mj-navbar hamburger="hamburger"><mj-navbar-link href="https://a.example/">A</mj-navbar-link></mj-navbar>',
    );
    const [first, again, other, elsewhere] = await Promise.all([
      freezeContent(definition({ mjml: source, values: { a: '1', b: '2' } }), options),
      freezeContent(definition({ mjml: source, values: { b: '2', a: '1' } }), options),
      freezeContent(definition({ mjml: source, values: { a: '1', b: '3' } }), options),
      freezeContent(definition({ mjml: source, values: { a: '1', b: '2' } }), {
        ...options,
        baseUrl: 'https://x.example',
      }),
    ]);
    expect(first?.hash).toMatch(/^[0-9a-f]{64}$/);
    expect(again).toEqual(first);
    expect(new Set([first?.hash, other?.hash, elsewhere?.hash]).size).toBe(3);
    expect(JSON.parse(first?.body ?? '')).toEqual(first?.content);
  });

  test('ends its HTML with the open pixel, also where there is no body element', async () => {
    const pixel = `<img src="${baseUrl}/o/{{ _exm.token }}.gif" width="1" height="1" alt=""`;
    expect((await bodyOf({ html: page('<p>x</p>') }))?.html).toMatch(
      new RegExp(`<p>x</p>${literally(pixel)}[^>]*></body>`),
    );
    expect((await bodyOf({ html: '<p>x</p>' }))?.html).toContain(pixel);
  });

  test('names the language of the body to screen readers', async () => {
    expect((await bodyOf({ mjml: mjml('<mj-text>x</mj-text>') }))?.html).toContain('<html lang="en"');
  });

  test('loads nothing from a font service unless the template says so', async () => {
    const body = await bodyOf({ mjml: mjml('<mj-text font-family="Roboto">x</mj-text>') });
    expect(body?.html).not.toContain('googleapis');
  });

  test('keeps Liquid as it was, in text, attributes, styles and around elements', async () => {
    const body = await bodyOf({
      mjml: mjml(`<mj-raw>{% if contact.plan == "gold" %}</mj-raw>
<mj-text>Hi {{ contact.firstName | default: "dear <b>friend</b>" }} &amp; {{ contact.facets["favourite colour"] }}</mj-text>
<mj-button href="https://a.example/?x={{ campaign.id }}&amp;y=1">Go {{ contact.lastName }}</mj-button>
<mj-raw>{% endif %}</mj-raw>`),
    });
    for (const liquid of [
      '{% if contact.plan == "gold" %}',
      'Hi {{ contact.firstName | default: "dear <b>friend</b>" }} &amp; {{ contact.facets["favourite colour"] }}',
      'Go {{ contact.lastName }}',
      '{% endif %}',
    ]) {
      expect(body?.html).toContain(liquid);
    }
    expect(body?.text).toContain('Hi {{ contact.firstName | default: "dear <b>friend</b>" }} & {{');
    expect(body?.text).toContain('Go {{ contact.lastName }}');
  });
});

describe('links', () => {
  test('to the web are tracked, each address by one number over all bodies and parts', async () => {
    const content = await freeze({
      bodies: {
        en: {
          subject: 's',
          template: {
            format: 'html',
            file: 'en.html',
            source: page('<a href="https://a.example/?x=1&amp;y=2">a</a><area href=\'https://b.example\'>'),
          },
        },
        de: {
          subject: 's',
          template: {
            format: 'html',
            file: 'de.html',
            source: page('<A class="x"\n HREF=https://b.example>b</A>'),
          },
          text: 'Siehe https://a.example/?x=1&y=2. Ende',
          textFile: 'de.txt',
        },
      },
    });
    expect(content.links).toEqual(['https://b.example', 'https://a.example/?x=1&y=2']);
    const [de, en] = content.bodies;
    expect(de?.html).toContain(`HREF="${tracked(0)}">b</A>`);
    expect(de?.text).toBe(`Siehe ${tracked(1)}. Ende`);
    expect(en?.html).toContain(`<a href="${tracked(1)}">a</a><area href="${tracked(0)}">`);
  });

  test('inside conditional comments and of Outlook shapes are tracked too', async () => {
    const content = await freeze({
      html: page(
        '<!--[if mso]><v:roundrect xmlns:v="urn:x" href="https://a.example/"></v:roundrect><a href="https://b.example/">b</a><![endif]-->',
      ),
    });
    expect(content.links).toEqual(['https://a.example/', 'https://b.example/']);
  });

  test('that are no web addresses stay as they are', async () => {
    const inside = [
      'mailto:a@b.example',
      '#top',
      'tel:+431',
      '{{ unsubscribeUrl }}',
      '{{ preferencesUrl }}',
      '{{viewOnlineUrl}}',
      '',
    ]
      .map((href) => `<a href="${href}">x</a>`)
      .join('');
    const content = await freeze({ html: page(inside) });
    expect(content.links).toEqual([]);
    expect(content.bodies[0]?.html).toContain(inside);
  });

  test('may hold tokens; a contact value in them is encoded where it stands', async () => {
    const content = await freeze({
      values: { shop: 'https://shop.example' },
      html: page(
        [
          'https://a.example/{{ contact.firstName }}?p={{ contact.plan }}',
          'https://a.example/?q={{ contact.firstName | url_encode }}&c={{ campaign.id }}',
          '{{ campaign.values.shop }}/x',
          '{{ contact.facets.site }}',
          "{% if contact.language == 'de' %}https://de.example/{% else %}https://en.example/{% endif %}",
        ]
          .map((href) => `<a href="${href}">x</a>`)
          .join(''),
      ),
    });
    expect(content.links).toEqual([
      'https://a.example/{{ contact.firstName | url_component }}?p={{ contact.plan | url_component }}',
      'https://a.example/?q={{ contact.firstName | url_encode }}&c={{ campaign.id }}',
      '{{ campaign.values.shop }}/x',
      '{{ contact.facets.site }}',
      "{% if contact.language == 'de' %}https://de.example/{% else %}https://en.example/{% endif %}",
    ]);
  });

  test.each([
    ['javascript:alert(1)', /scheme "javascript:"/],
    ['data:text/html,x', /scheme "data:"/],
    ['/shop', /is relative/],
    ['www.example.com', /is relative/],
    ['https://', /is not a whole web address/],
    ['http:///x', /is not a whole web address/],
    [`https://a.example/${'x'.repeat(4_000)}`, /longer than 4000/],
  ])('such as %s are refused', async (href, reason) => {
    await expect(freeze({ html: page(`<a href="${href}">x</a>`) })).rejects.toThrow(reason);
  });

  test('that use a name set elsewhere in the template are refused, for they are followed on their own', async () => {
    const html = page(
      '{% for p in contact.facets %}<a href="https://a.example/{{ p[0] }}">x</a>{% endfor %}',
    );
    await expect(freeze({ html })).rejects.toThrow(/mail\.html: the link .* uses "p"/);
  });

  test('of goals must be in the message', async () => {
    const goals = [{ name: 'order', url: 'https://a.example/buy', value: 3 }];
    const content = await freeze({
      goals,
      html: page('<a href="https://x.example">x</a><a href="https://a.example/buy">buy</a>'),
    });
    expect(content.goals).toEqual([{ name: 'order', link: 1, value: 3 }]);
    await expect(freeze({ goals, html: page('<a href="https://a.example/bay">x</a>') })).rejects.toThrow(
      /goal "order".*no link of the message leads there\. Did you mean "https:\/\/a\.example\/bay"/,
    );
  });
});

describe('the text part', () => {
  test('is what a person would read, with tracked addresses and no hidden text', async () => {
    const body = await bodyOf({
      html: page(`<div style="display:none;max-height:0">preview</div><h1>Big {{ contact.firstName }} news</h1>
<p>Read <a href="https://a.example/">the story</a> &amp; <b>enjoy</b>.</p><ul><li>One</li><li>Two</li></ul>
<table><tr><td>Left</td><td>Right</td></tr></table><img src="https://a.example/i.png" alt="decoration">
<a href="{{ unsubscribeUrl }}">Unsubscribe</a>`),
    });
    expect(body?.text).toBe(
      `Big {{ contact.firstName }} news\n\nRead the story <${tracked(0)}> & enjoy.\n\n * One\n * Two\n\nLeft\n\nRight\n\nUnsubscribe <{{ unsubscribeUrl }}>\n`,
    );
  });

  test('prints braces that the HTML spells as entities', async () => {
    const body = await bodyOf({ html: page('<p>&#123;&#123; x &#125;&#125;</p>') });
    expect(body?.text).toBe("{{ '{' }}{ x }}\n");
  });

  test.each([
    ['gold', 'Above\n\nGold!\n\nBelow\n\n * One\n * Two\n\nEnd\n'],
    ['none', 'Above\n\nBelow\n\n * One\n * Two\n\nEnd\n'],
  ])('has no blank lines for what prints nothing: plan %s', async (plan, text) => {
    const frozen = await freeze({
      html: page(`<p>Above</p>
{% if contact.plan == "gold" %}
<p>Gold!</p>
{% endif %}
{% assign names = "One,Two" | split: "," %}
<p>Below</p>
<ul>
{% for name in names %}
<li>{{ name }}</li>
{% endfor %}
</ul>
<p>End</p>`),
    });
    const someone = recipient({ facets: { plan } });
    const body = renderBody(frozen, { recipient: someone, position: 1, variant: 0, language: 'en' }, keys);
    expect(body.text).toBe(text);
  });

  test('is taken as it is where it is given', async () => {
    const body = await bodyOf({ text: 'Hello {{ contact.firstName }},\nsee (https://a.example/x).\n' });
    expect(body?.text).toBe(`Hello {{ contact.firstName }},\nsee (${tracked(0)}).\n`);
  });
});

describe('MJML', () => {
  test.each([
    ['an element that does not exist', '<mj-txt>x</mj-txt>', /^mail\.mjml:5:1: .*mj-txt doesn't exist/],
    [
      'an attribute that does not exist',
      '<mj-text>x</mj-text>\n<mj-text colour="red">x</mj-text>',
      /^mail\.mjml:6:1: .*Attribute colour is illegal/,
    ],
    ['an element that is not closed', '<mj-text>x', /^mail\.mjml:5:1: .*<mj-text> is not closed/],
    ['an element closed by another', '<mj-text>x</mj-txt>', /^mail\.mjml:5:1: .*<mj-text> is not closed/],
    [
      'text between elements',
      '<mj-text>x</mj-text>\nlost',
      /^mail\.mjml:6:1: .*text or Liquid directly inside <mj-column>/,
    ],
    [
      'Liquid between elements',
      '{% if contact.plan %}\n<mj-text>x</mj-text>{% endif %}',
      /^mail\.mjml:5:1: .*directly inside <mj-column>.*<mj-raw>/,
    ],
    ['an include', '<mj-include path="/etc/passwd" />', /^mail\.mjml:5:1: .*<mj-include> is not allowed/],
    [
      'a wrong value',
      '<mj-text color="{{ campaign.values.colour }}">x</mj-text>',
      /^mail\.mjml:5:1: .*invalid value: \{\{ campaign\.values\.colour \}\}/,
    ],
  ])('is refused with file and line for %s', async (_what, inside, message) => {
    await expect(freeze({ mjml: mjml(inside) })).rejects.toThrow(message);
  });

  test('is refused where it is none', async () => {
    await expect(freeze({ mjml: '<p>hello</p>' })).rejects.toThrow(/mail\.mjml:1/);
    await expect(freeze({ mjml: '' })).rejects.toThrow(/mail\.mjml:1/);
    await expect(freeze({ mjml: '<mjml></mjml>' })).rejects.toThrow(/mail\.mjml:1/);
  });
});

describe('tokens', () => {
  const check = (change: Parameters<typeof definition>[0]) =>
    checkTokens(definition(change), { managerRoot: { company: 'Fennel & Slate' } });

  test.each([
    [
      '{{ contact.firstName }} {{ contact["lastName"] }} {{ contact.facets.city }} {{ contact.facets["a b"] }}',
    ],
    [
      '{{ campaign.id }} {{ campaign.values.season }} {{ campaign.season | upcase }} {{ unsubscribeUrl }} {{ preferencesUrl }} {{ viewOnlineUrl }}',
    ],
    [
      '{% for f in contact.facets %}{{ f[0] }}{{ forloop.index }}{% endfor %}{% assign x = contact.email %}{{ x }}',
    ],
    ['{{ managerRoot.company }}'],
    ['{% raw %}{{ anything }}{% endraw %}{% comment %}{{ anything }}{% endcomment %}'],
  ])('that exist are accepted: %s', (html) => {
    expect(check({ html, values: { season: 'autumn' } }).findings).toEqual([]);
  });

  test.each([
    ['{{ contcat.firstName }}', /^there is no token \{\{ contcat\.firstName \}\}\. Did you mean "contact"/],
    ['{{ firstName }}', /there is no token \{\{ firstName \}\}\. Did you mean "contact\.firstName"\?/],
    ['{{ campaign.values.seasn }}', /no token \{\{ campaign\.values\.seasn \}\}\. Did you mean "season"/],
    ['{{ campaign.nam }}', /Did you mean "name"/],
    ['{{ managerRoot.compny }}', /no token \{\{ managerRoot\.compny \}\}\. Did you mean "company"/],
    ['{{ managerRoot.zzz }}', /Values of the manager root stand in exm\.config\.ts/],
    ['{{ managerRoot }}', /Name one of its values/],
    ['{{ contact }}', /no token \{\{ contact \}\}\. Name one of its values/],
    ['{{ _exm.token }}', /no token \{\{ _exm\.token \}\}/],
  ])('that do not exist are refused with their place: %s', (token, message) => {
    expect(check({ html: `<p>\n${token}</p>`, values: { season: 'autumn' } }).findings).toEqual([
      expect.objectContaining({
        severity: 'error',
        code: 'TEMPLATE_TOKEN',
        where: 'mail.html:2:4',
        message: expect.stringMatching(message),
      }),
    ]);
  });

  test.each([
    ['{% if contact.email %}', /^this Liquid is wrong: .*not closed/],
    ['{{ contact.email | shout }}', /^this Liquid is wrong: undefined filter: shout/],
    ['{% include "x" %}', /^this Liquid is wrong: tag "include" not found/],
    ['{% render "x" %}', /tag "render" not found/],
    ['{% layout "x" %}', /tag "layout" not found/],
    ['{{ contact.email', /not closed/],
  ])('in Liquid that is wrong are refused with their place: %s', (liquid, message) => {
    expect(check({ html: `\n${liquid}` }).findings).toEqual([
      expect.objectContaining({
        code: 'TEMPLATE_LIQUID',
        where: 'mail.html:2:1',
        message: expect.stringMatching(message),
      }),
    ]);
  });

  test('in subjects and text parts are checked as well, all of them', () => {
    const { findings } = check({ subject: 'Hi {{ contat.email }}', text: 'Hi\n{{ a }} {{ contat.email }}' });
    expect(findings).toMatchObject([
      {
        where: 'bodies.en.subject',
        message: expect.stringContaining('{{ contat.email }} (character 7 of the subject). Did'),
      },
      { where: 'mail.txt:2:4' },
      { where: 'mail.txt:2:12' },
    ]);
  });

  test('that are short for a facet are handed on, once each, for the database to confirm', () => {
    const { facets } = check({ html: '{{ contact.city }}\n{{ contact.city }}{{ contact.firstnam }}' });
    expect(facets).toEqual([
      { name: 'city', where: 'mail.html:1:4' },
      { name: 'firstnam', where: 'mail.html:2:22' },
    ]);
  });
});

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
