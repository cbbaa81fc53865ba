import { describe, expect, test } from 'vitest';
import { CompiledTemplate } from '../../../src/message/render/compiled-template.ts';
import { createLiquid, scopeObject } from '../../../src/message/render/liquid.ts';
import { commonScope, Rendering } from '../../../src/message/render/rendering.ts';
import fc from '../../support/fast-check.ts';
import { freeze, recipient } from '../fixtures.ts';

const content = {
  ...(await freeze({ values: { season: 'Autumn & <leaves>', size: 'L' } })),
  managerRoot: { company: "Fennel & Slate's" },
};
const common = commonScope(content);
const engines = { html: createLiquid({ output: 'html' }), plain: createLiquid({ output: 'plain' }) };

const rendering = (change: Parameters<typeof recipient>[0] = {}) =>
  new Rendering(content, { recipient: recipient(change), position: 3, variant: 0, language: 'en' }, 'TOKEN');

const compile = (source: string, output: keyof typeof engines = 'html') =>
  new CompiledTemplate(engines[output], source, common);

/** What liquidjs makes of the whole. */
const whole = (source: string, one: Rendering, output: keyof typeof engines) =>
  String(engines[output].parseAndRenderSync(source, scopeObject(one.scope)));

describe('a compiled template', () => {
  test.each([
    ['plain text', true],
    ['{{ campaign.values.season }}, {{ campaign.season | upcase }} {{ managerRoot.company }}', true],
    ['{% if campaign.season contains "leaves" %}yes{% else %}no{% endif %}', true],
    [
      '{% for i in (1..3) %}{{ i }}{% endfor %}{% comment %}x{% endcomment %}{% raw %}{{ y }}{% endraw %}',
      true,
    ],
    ['{{ contact.firstName }}', false],
    ['{% if contact.firstName %}x{% endif %}', false],
    ['{{ "now" | date: "%Y" }}', false],
    ['{% assign x = campaign.season %}{{ x }}', false],
    ['{% assign campaign = contact %}{{ campaign.firstName }}', false],
  ])('renders beforehand what is the same for everybody: %s', (source, isStatic) => {
    const template = compile(source);
    expect(template.isStatic).toBe(isStatic);
    expect(template.fill(rendering())).toBe(whole(source, rendering(), 'html'));
  });

  test('has as pieces what differs, and the text between as one', () => {
    expect(
      compile('{{ campaign.size }}: Dear {{ contact.firstName -}} , {% if true %}!{% endif %}').pieces,
    ).toEqual(['L: Dear ', 0, ', !']);
  });

  test('keeps loops together that go on where another one stopped', () => {
    const source =
      '{% for i in (1..4) limit: 2 %}{{ i }}{% endfor %}|{% for i in (1..4) offset: continue %}{{ i }}{% endfor %}';
    expect(compile(source).fill(rendering())).toBe('12|34');
  });

  test('prints typed facets as liquidjs does, and takes false for false', () => {
    const one = rendering({
      facets: { age: 42, share: 0.1, zero: 0, large: 123456789012345.5, vip: true, none: false },
    });
    const source = ['age', 'share', 'zero', 'large', 'vip', 'none']
      .map(
        (name) =>
          `{{ contact.facets.${name} }} {{ contact.${name} | default: "-" }} {% if contact.facets.${name} %}y{% else %}n{% endif %}`,
      )
      .join(';');
    for (const output of ['html', 'plain'] as const) {
      expect(compile(source, output).fill(one)).toBe(whole(source, one, output));
    }
    expect(compile(source).fill(one)).toBe(
      '42 42 y;0.1 0.1 y;0 0 y;123456789012345.5 123456789012345.5 y;true true y;false - n',
    );
  });

  test('is not cut off by a break outside of a loop', () => {
    expect(compile('a{% break %}b{{ contact.firstName }}').fill(rendering())).toBe('abAda');
  });

  test('filled in is what liquidjs makes of the whole, for any contact', () => {
    const names = [
      'firstName',
      'lastName',
      'email',
      'id',
      'language',
      'city',
      'size',
      'first',
      'toString',
      'facets',
    ];
    const value = fc
      .constantFrom('contact.', 'contact.facets.', 'campaign.', 'managerRoot.')
      .chain((root) => fc.constantFrom(...names, 'season', 'company').map((name) => root + name));
    const filter = fc.constantFrom(
      '',
      ' | default: "friend"',
      " | default: '<b>'",
      ' | upcase',
      ' | raw',
      ' | escape',
      ' | size',
      ' | url_component',
    );
    const output = fc.tuple(value, filter, fc.constantFrom('', '-'), fc.constantFrom('', '-'));
    const piece = fc.oneof(
      fc.constantFrom(
        'text ',
        ' <b> ',
        '\n',
        ' . ',
        '{{ unsubscribeUrl }}',
        '{{viewOnlineUrl}}',
        '{{ preferencesUrl }}',
        '{{ _exm.token }}',
      ),
      output.map(([path, pipe, left, right]) => `{{${left} ${path}${pipe} ${right}}}`),
      value.map((path) => `{% if ${path} %}has {{ ${path} }}{% else %}lacks{% endif %}`),
      value.map((path) => `{% assign firstName = ${path} %}{{ firstName }}`),
      value.map(
        (path) => `{% capture x %}${path}{% endcapture %}{{ x }}{% increment n %}{% cycle "a", "b" %}`,
      ),
      fc.constantFrom(
        '{% for one in contact.facets %}{{ one[0] }}={{ one[1] }};{% endfor %}',
        '{% for i in (1..2) %}{{ i }}{{ contact.city }}{% endfor %}',
        '{% assign contact = campaign %}',
      ),
    );
    const text = fc.oneof(fc.constantFrom('', 'Ada', '<i>', '"&\'', ' '), fc.string({ maxLength: 8 }));
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 8 }),
        fc.constantFrom('html' as const, 'plain' as const),
        fc.record({
          firstName: text,
          lastName: text,
          language: text,
          facets: fc.dictionary(fc.constantFrom(...names), text, { noNullPrototype: true }),
        }),
        (pieces, kind, who) => {
          const source = pieces.join('');
          expect(compile(source, kind).fill(rendering(who))).toBe(whole(source, rendering(who), kind));
        },
      ),
      { numRuns: 1_500 },
    );
  });
});
