import { describe, expect, test } from 'vitest';
import type { FrozenContent } from '../../../src/message/content.ts';
import { personalisationOf } from '../../../src/message/render/personalisation.ts';
import { renderBody } from '../../../src/message/render/render-body.ts';
import fc from '../../support/fast-check.ts';
import { freeze, keys, recipient } from '../fixtures.ts';

const body = (html: string, subject = 'Hello') => ({ subject, html, text: 'Hello' });
const rules = { offer: [{ when: 'true', hide: true }] } as const;
const tagsOf = (html: string, withRules: Parameters<typeof personalisationOf>[1] = {}) =>
  personalisationOf(body(html), withRules).causes.map(({ tag, on }) => `${tag} ${on}`);

describe('a body is filled by token replacement', () => {
  test.each([
    ['no Liquid', '<p>Hello</p>'],
    ['values of the contact', '{{ contact.firstName | default: contact.facets.city | upcase }}'],
    ['a value of the contact by the tag echo', '{% echo contact.firstName %}'],
    [
      'links of the recipient',
      '<a href="{{ unsubscribeUrl }}">{{ viewOnlineUrl }}</a>{{ preferencesUrl }}{{ _exm.token }}',
    ],
    ['a value chosen by a value of the contact', '{{ campaign.values[contact.language] }}'],
    ['a condition on a campaign value', '{% if campaign.sale == "yes" %}{{ contact.firstName }}{% endif %}'],
    ['a condition on a value of the manager root', '{% unless managerRoot.imprint %}x{% endunless %}'],
    [
      'a loop over a campaign value',
      '{% assign all = campaign.values.cities | split: "," %}{% for city in all %}{{ city }} {{ contact.firstName }}{% endfor %}',
    ],
    [
      'what only looks like Liquid',
      '{% raw %}{% if contact.tier %}{% endraw %}{% comment %}{% if contact.x %}{% endcomment %}',
    ],
    [
      'a component without rules',
      '{% component other %}{{ contact.firstName }}{% variation b %}x{% endcomponent %}',
    ],
  ])('with %s', (_, html) => {
    expect(personalisationOf(body(html), rules)).toEqual({ mode: 'token-replacement', causes: [] });
  });
});

describe('a body is rendered by rules', () => {
  test.each([
    ['a condition', '{% if contact.facets.tier == "gold" %}x{% endif %}', 'if contact.facets.tier'],
    ['a later branch of a condition', '{% if campaign.a %}{% elsif contact.b %}{% endif %}', 'if contact.b'],
    ['the negation of one', '{% unless contact.city %}x{% endunless %}', 'unless contact.city'],
    ['a choice', '{% case contact.language %}{% when "de" %}x{% endcase %}', 'case contact.language'],
    [
      'an alternative of a choice',
      '{% case campaign.a %}{% when contact.b %}x{% endcase %}',
      'case contact.b',
    ],
    ['a loop', '{% for one in contact.facets %}{{ one }}{% endfor %}', 'for contact.facets'],
    [
      'a table',
      '{% tablerow x in contact.facets.items %}{{ x }}{% endtablerow %}',
      'tablerow contact.facets.items',
    ],
    [
      'a loop whose limit is the contact’s',
      '{% for x in (1..3) limit: contact.n %}x{% endfor %}',
      'for contact.n',
    ],
    ['an assignment', '{% assign tier = contact.facets.tier | downcase %}', 'assign contact.facets.tier'],
    [
      'captured text',
      '{% capture a %}{{ contact.city }}{% endcapture %}{% if a == "x" %}{% endif %}',
      'capture contact.city',
    ],
    ['a turn that is the contact’s', '{% cycle contact.city: "a", "b" %}', 'cycle contact.city'],
    [
      'a condition inside one on campaign values',
      '{% if campaign.a %}{% if contact.b %}x{% endif %}{% endif %}',
      'if contact.b',
    ],
    ['a condition inside the tag liquid', '{% liquid\nif contact.b\necho "x"\nendif %}', 'if contact.b'],
    [
      'a value looked up by the contact’s',
      '{% if campaign.values[contact.language] %}x{% endif %}',
      'if contact.language',
    ],
    ['a link of the recipient in a condition', '{% if unsubscribeUrl %}x{% endif %}', 'if unsubscribeUrl'],
    [
      'a condition in a component without rules',
      '{% component x %}{% if contact.b %}{% endif %}{% endcomponent %}',
      'if contact.b',
    ],
  ])('with %s', (_, html, cause) => {
    expect(personalisationOf(body(html)).mode).toBe('rule-based');
    expect(tagsOf(html)).toContain(cause);
  });

  test('where a component with rules stands in it', () => {
    const html = '<p>\n  {% component offer %}x{% variation vip %}y{% endcomponent %}';
    expect(personalisationOf(body(html), rules)).toEqual({
      mode: 'rule-based',
      causes: [{ part: 'html', tag: 'component', on: 'offer', line: 2, column: 3 }],
    });
    expect(personalisationOf(body(html), {}).mode).toBe('token-replacement');
  });

  test('also where only the subject or the text part differs', () => {
    const differs = '{% if contact.city %}x{% endif %}';
    expect(personalisationOf(body('x', differs)).causes).toMatchObject([{ part: 'subject', tag: 'if' }]);
    expect(personalisationOf({ ...body('x'), text: differs }).causes).toMatchObject([{ part: 'text' }]);
  });

  test('and every tag for which it is is named', () => {
    const html =
      '{% if contact.a %}{% endif %}\n{% for x in contact.b %}{% endfor %}{% component offer %}{% endcomponent %}';
    expect(tagsOf(html, rules)).toEqual(['if contact.a', 'for contact.b', 'component offer']);
  });
});

describe('token replacement', () => {
  const pieces = [
    'text ',
    '{{ contact.firstName }}',
    '{{ contact.facets.tier }}',
    '{{ campaign.season }}',
    '{% if campaign.season == "autumn" %}{{ contact.firstName }}{% else %}no{% endif %}',
    '{% for x in (1..2) %}{{ x }}{{ contact.facets.tier }}{% endfor %}',
    '{% assign own = contact.facets.tier %}',
    '{% assign own = campaign.season %}',
    '{% capture own %}{{ contact.firstName }}{% endcapture %}',
    '{{ own }}',
    '{% if own == "B-tier" %}only B{% endif %}',
    '{% if contact.facets.tier == "B-tier" %}only B{% endif %}',
    '{% component offer %}all{% variation b %}only B{% endcomponent %}',
    '{% component other %}{{ contact.firstName }}{% variation b %}only B{% endcomponent %}',
    '{% case campaign.season %}{% when contact.firstName %}only A{% else %}{{ own }}{% endcase %}',
  ];
  const offerRules = { offer: [{ when: 'contact.facets.tier == "B-tier"', show: 'b' }] };
  const render = (content: FrozenContent, name: string) => {
    const one = recipient({ firstName: `${name}-name`, facets: { tier: `${name}-tier` } });
    return renderBody(content, { recipient: one, position: 1, variant: 0, language: 'en' }, keys).text;
  };

  test('is said only where messages differ by the values put in, and by nothing else', async () => {
    const content = await freeze({ values: { season: 'autumn' }, rules: offerRules });
    const [first] = content.bodies;
    let replaced = 0;
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 8 }), (parts) => {
        const text = parts.join('');
        const one = { ...content, bodies: first === undefined ? [] : [{ ...first, text }] };
        if (personalisationOf({ ...body(''), text }, offerRules).mode === 'rule-based') return;
        replaced++;
        expect(render(one, 'A').replaceAll('A-', 'B-')).toBe(render(one, 'B'));
      }),
      { numRuns: 400 },
    );
    expect(replaced).toBeGreaterThan(20);
  });
});
