import { describe, expect, test } from 'vitest';
import { checkContent } from '../../../src/message/check/check-content.ts';
import type { Finding } from '../../../src/message/check/findings.ts';
import { definition } from '../fixtures.ts';

const unsubscribe = '<a href="{{ unsubscribeUrl }}">Unsubscribe from this letter</a>';
type Change = NonNullable<Parameters<typeof definition>[0]>;

async function check(change: Change): Promise<readonly Finding[]> {
  return (await checkContent(definition(change))).findings;
}

/** `error TEMPLATE_LINK mail.html:1:4` */
const short = ({ severity, code, where }: Finding) => `${severity} ${code} ${where}`;
const html = (inside: string): Change => ({
  html: `<p>Enough words to be read</p>${unsubscribe}\n${inside}`,
});
const mjml = (inside: string): Change => ({
  mjml: `<mjml><mj-body><mj-section><mj-column><mj-text>Enough words to be read ${unsubscribe}</mj-text>\n${inside}\n</mj-column></mj-section></mj-body></mjml>`,
});

describe('links', () => {
  test.each<[string, Change, string[]]>([
    ['relative', html('<a href="/shop">x</a>'), ['error TEMPLATE_LINK mail.html:2:4']],
    [
      'of no scheme, behind Liquid',
      html('{{ contact.firstName }} <a\n class="x" href=shop.example>x</a>'),
      ['error TEMPLATE_LINK mail.html:3:12'],
    ],
    [
      'of a forbidden scheme',
      html('é😀<area HREF="javascript:alert(1)">'),
      ['error TEMPLATE_LINK mail.html:2:10'],
    ],
    [
      'with a name of a loop',
      html('{% for p in contact.facets %}<a href="https://a.example/{{ p[0] }}">x</a>{% endfor %}'),
      ['error TEMPLATE_LINK mail.html:2:33'],
    ],
    [
      'in a conditional comment',
      html('<!--[if mso]>\n<v:rect href="x.html"></v:rect><![endif]-->'),
      ['error TEMPLATE_LINK mail.html:3:9'],
    ],
    [
      'several, all of them',
      html('<a href="a">x</a>\n<a href="b">x</a>'),
      ['error TEMPLATE_LINK mail.html:2:4', 'error TEMPLATE_LINK mail.html:3:4'],
    ],
    [
      'empty',
      html('<a href="">x</a> <a href="#">x</a>'),
      ['warning LINK_EMPTY mail.html:2:4', 'warning LINK_EMPTY mail.html:2:21'],
    ],
    [
      'of an MJML button',
      mjml('<mj-button\n  href="shop.html">x</mj-button>'),
      ['error TEMPLATE_LINK mail.mjml:3:3'],
    ],
    [
      'in the HTML of MJML',
      mjml('<mj-text>\n<a href="http://">x</a></mj-text>'),
      ['error TEMPLATE_LINK mail.mjml:3:4'],
    ],
    [
      'in the text part',
      { ...html(''), text: 'See {{ unsubscribeUrl }}\nor  http://?x.' },
      ['error TEMPLATE_LINK mail.txt:2:5'],
    ],
  ])('%s are found', async (_what, change, found) => {
    expect((await check(change)).map(short)).toEqual(found);
  });

  test.each<[string, Change]>([
    [
      'to the web, mail, telephones and places of the message',
      html(
        '<a href="https://a.example/?a=1&amp;b=2">x</a><a href="mailto:a@b.example">x</a><a href="tel:+1">x</a><a href="#top">x</a>',
      ),
    ],
    [
      'of tokens and conditions',
      html(
        '<a href="{{ contact.facets.site }}">x</a><a href="{% if contact.plan == "gold" %}https://a.example{% else %}https://b.example{% endif %}">x</a>',
      ),
    ],
    [
      'that are commented out',
      html(
        '<!-- <a href="/old">x</a> --><!--[if !mso]><!--><a href="https://a.example">x</a><!--<![endif]-->',
      ),
    ],
    [
      'of a menu with a base',
      mjml(
        '<mj-navbar base-url="https://a.example"><mj-navbar-link href="/x">x</mj-navbar-link></mj-navbar>',
      ),
    ],
    [
      'of networks',
      mjml(
        '<mj-social><mj-social-element name="facebook" href="https://a.example/">x</mj-social-element></mj-social>',
      ),
    ],
    ['of raw text', html('{% raw %}<a href="x">{% endraw %}<style>a[href="x"] > b { color: red }</style>')],
  ])('%s are not', async (_what, change) => {
    const { findings } = await checkContent(definition(change));
    expect(findings.filter(({ code }) => code.includes('LINK'))).toEqual([]);
  });

  test('to the web are listed where they stand first', async () => {
    const { links } = await checkContent(
      definition(
        html(
          '<a href="https://a.example/">a</a>\n<a href="https://b.example/?x={{ contact.id }}">b</a> <a href="https://a.example/">c</a>',
        ),
      ),
    );
    expect(links).toEqual([
      { address: 'https://a.example/', where: 'mail.html:2:4' },
      { address: 'https://b.example/?x={{ contact.id }}', where: 'mail.html:3:4' },
    ]);
  });
});

describe('images', () => {
  const file = (size: number) => ({ hash: '0'.repeat(64), name: 'a.png', type: 'image/png', size });
  const src = 'src="https://a.example/i.png"';
  test.each<[string, Change, string[]]>([
    ['without alternative text', html(`<img ${src}>`), ['warning IMAGE_ALT mail.html:2:1']],
    [
      'that only hold space',
      html('<img src="https://a.example/s.gif" width="1" height="20">'),
      ['warning IMAGE_ALT mail.html:2:1'],
    ],
    [
      'that are a whole link without words',
      html(`<a href="https://a.example"><img ${src} alt=""></a>`),
      ['warning IMAGE_ALT mail.html:2:64'],
    ],
    ['of MJML without alternative text', mjml(`<mj-image ${src} />`), ['warning IMAGE_ALT mail.mjml:2:1']],
    [
      'of MJML that are links without words',
      mjml(`<mj-image ${src} alt="" href="https://a.example" />`),
      ['warning IMAGE_ALT mail.mjml:2:41'],
    ],
    ['without an address', html('<img alt="x" src="">'), ['warning IMAGE_SOURCE mail.html:2:14']],
    ['in a folder', html('<img alt="x" src="logo.png">'), ['error IMAGE_FILE mail.html:2:14']],
    [
      'of data',
      html('<img alt="x" src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">'),
      ['warning IMAGE_DATA mail.html:2:14'],
    ],
    [
      'that stay linked though images are to be embedded',
      { ...html(`<img alt="x" ${src}><img alt="x" src="{{ contact.facets.photo }}">`), embedImages: true },
      ['warning IMAGE_LINKED mail.html:2:14'],
    ],
    ['that are too wide', html(`<img ${src} alt="" width="1200">`), ['warning IMAGE_WIDTH mail.html:2:43']],
    [
      'of too many bytes',
      {
        ...html('<img alt="x" src="big.png"><img alt="x" src="small.png">'),
        images: { 'big.png': file(1_000_001), 'small.png': file(1_000_000) },
      },
      ['warning IMAGE_BYTES mail.html:2:14'],
    ],
  ])('%s are found', async (_what, change, found) => {
    expect((await check(change)).map(short)).toEqual(found);
  });

  test.each<[string, Change]>([
    ['for decoration', html(`<img ${src} alt=""><IMG SRC="cid:a" ALT>`)],
    [
      'that say what they are',
      html(`<a href="https://a.example"><img ${src} alt="{{ contact.firstName }}"></a>`),
    ],
    ['beside the words of a link', html(`<a href="https://a.example"><img ${src} alt=""> Shop</a>`)],
    ['with an address of tokens', html('<img alt="" src="{{ contact.facets.photo }}">')],
    ['that are wide and shrink', html(`<img ${src} alt="" width="1200" style="max-width:100%">`)],
    [
      'of MJML with defaults',
      {
        mjml: `<mjml><mj-head><mj-attributes><mj-image alt="" /></mj-attributes></mj-head><mj-body><mj-section><mj-column><mj-image ${src} /><mj-text>Enough words to be read ${unsubscribe}</mj-text></mj-column></mj-section></mj-body></mjml>`,
      },
    ],
  ])('%s are right', async (_what, change) => {
    expect(await check(change)).toEqual([]);
  });
});

describe('the message', () => {
  test.each<[string, Change, string[]]>([
    ['too large for Gmail', html(`<p>${'ä'.repeat(51_200)}</p>`), ['warning HTML_SIZE mail.html:1:1']],
    [
      'with too many styles',
      html(`<style>${'.a{color:red}'.repeat(6_000)}</style>`),
      ['warning CSS_TOO_LARGE mail.html:1:1'],
    ],
    [
      'without a way out',
      { html: '<p>Enough words to be read by all</p>' },
      ['warning NO_UNSUBSCRIBE mail.html:1:1'],
    ],
    [
      'whose text part has no way out',
      { ...html(''), text: 'Hello' },
      ['warning NO_UNSUBSCRIBE mail.txt:1:1'],
    ],
    [
      'that is images',
      { html: '<img alt="" src="https://a.example/i.png"><a href="{{ unsubscribeUrl }}">x</a>' },
      ['warning TEXT_EMPTY mail.html:1:1'],
    ],
    ['with an empty subject', { ...html(''), subject: ' ' }, ['error SUBJECT_EMPTY bodies.en.subject']],
    [
      'with a subject that some lack',
      { ...html(''), subject: '{{ contact.firstName }}' },
      ['warning SUBJECT_EMPTY bodies.en.subject'],
    ],
    [
      'with a long subject',
      { ...html(''), subject: 'x'.repeat(81) },
      ['warning SUBJECT_LONG bodies.en.subject'],
    ],
    [
      'with a script',
      html('<script>alert(1)</script><iframe src="x"></iframe>'),
      ['warning TEMPLATE_ELEMENT mail.html:2:1', 'warning TEMPLATE_ELEMENT mail.html:2:26'],
    ],
    [
      "with another program's tokens",
      html('Dear &amp; $firstname$,\n*|FNAME|* &nbsp; costs $5 or 7$'),
      ['warning TOKEN_FOREIGN mail.html:2:12', 'warning TOKEN_FOREIGN mail.html:3:1'],
    ],
  ])('%s is found', async (_what, change, found) => {
    expect((await check(change)).map(short)).toEqual(found);
  });

  test('is right with a default in its subject, and data for mail programs', async () => {
    const data = '<script type="application/ld+json">{"@type": "EmailMessage"}</script>';
    expect(await check({ ...html(data), subject: '{{ contact.firstName | default: "Hello" }}' })).toEqual([]);
  });
});

describe('everything', () => {
  test('that is wrong is found at once, by file and line, each thing once', async () => {
    const source = `<a href="/x">x</a>\n{{ contat.id }}{{ campaign.nme }}\n<img src="x">`;
    const template = (file: string) => ({ format: 'html' as const, file, source });
    const findings = await check({
      bodies: {
        en: { subject: 'Hi {{ nobody }}', template: template('b.html') },
        de: { subject: 'Hallo', template: template('b.html') },
        fr: {
          subject: 'Salut',
          template: {
            format: 'mjml',
            file: 'a.mjml',
            source: '<mjml><mj-body><mj-txt/>\n {{ x }}  <mj-text colour="a">x</mj-text></mj-body></mjml>',
          },
        },
        it: { subject: 'Ciao', template: { format: 'html', file: 'c.html', source: '<a href="/x">\n{{ a' } },
      },
      goals: [{ name: 'order', url: 'https://a.example', value: 1 }],
    });
    expect(findings.map(short)).toEqual([
      'warning NO_UNSUBSCRIBE a.mjml:1:1',
      'error TEMPLATE_MJML a.mjml:2:2',
      'error TEMPLATE_TOKEN a.mjml:2:5',
      'warning NO_UNSUBSCRIBE b.html:1:1',
      'error TEMPLATE_LINK b.html:1:4',
      'error TEMPLATE_TOKEN b.html:2:4',
      'error TEMPLATE_TOKEN b.html:2:19',
      'warning IMAGE_ALT b.html:3:1',
      'error IMAGE_FILE b.html:3:6',
      'error TEMPLATE_TOKEN bodies.en.subject',
      'warning NO_UNSUBSCRIBE c.html:1:1',
      'error TEMPLATE_LIQUID c.html:2:1',
    ]);
    expect(
      findings.every(({ message, hint }) => message.endsWith('.') || (/\?$/.test(message) && hint !== '')),
    ).toBe(true);
  });

  test('that is too much for anybody to read is cut off, errors last', async () => {
    const findings = await check(html(`${'<img>'.repeat(100_000)}<a href="/x">x</a>`));
    expect(findings).toHaveLength(1_000);
    expect(findings.filter(({ severity }) => severity === 'error').map(short)).toEqual([
      'error TEMPLATE_LINK mail.html:2:500004',
    ]);
  });

  test('of more Liquid tags than can be looked at is refused before they are', async () => {
    const findings = await check(html('{{ contact.nope }}'.repeat(40_000)));
    expect(findings.filter(({ severity }) => severity === 'error')).toMatchObject([
      {
        code: 'TEMPLATE_LIQUID',
        message: expect.stringMatching(/^this has 4000\d Liquid tags, and 5000 are allowed/),
      },
    ]);
  });

  test('of MJML that is wrong is named with line and column', async () => {
    const findings = await check(
      mjml(
        '{% comment %}\n{% endcomment %}<mj-txt>x</mj-txt>\n<mj-raw>{{ contact.id }}</mj-raw> <mj-text colour="red" sise="1">x</mj-text>',
      ),
    );
    expect(findings.map(short)).toEqual([
      'error TEMPLATE_MJML mail.mjml:3:17',
      'error TEMPLATE_MJML mail.mjml:4:35',
    ]);
  });

  test('about goals and languages to fall back on is named', async () => {
    const findings = await check({
      ...html('<a href="https://a.example/buy">x</a>'),
      goals: [
        { name: 'a', url: 'https://a.example/bay', value: 1 },
        { name: 'b', url: 'https://a.example/buy', value: 1 },
      ],
      fallback: { ca: ['en-gb', 'fr'], gsw: ['eb'] },
    });
    expect(findings.map(short)).toEqual([
      'error FALLBACK_LANGUAGE fallback.ca[1]',
      'error FALLBACK_LANGUAGE fallback.gsw[0]',
      'error GOAL_LINK goals[0].url',
    ]);
    expect(findings[1]?.message).toBe(
      'recipients of gsw are to get eb, in which there is no body. Did you mean "en"?',
    );
  });

  test('is looked at in the bodies of every variant', async () => {
    const other = {
      subject: 'B',
      template: { format: 'html' as const, file: 'b.html', source: '<a href="/x">x</a>' },
    };
    const findings = await check({
      ...html(''),
      test: { share: 10, winner: { by: 'hand' }, variants: [{ bodies: { en: other } }] },
    });
    expect(findings.map(short)).toEqual([
      'warning NO_UNSUBSCRIBE b.html:1:1',
      'error TEMPLATE_LINK b.html:1:4',
    ]);
  });
});
