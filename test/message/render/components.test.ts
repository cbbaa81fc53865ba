import { describe, expect, test } from 'vitest';
import { createLiquid, scopeObject } from '../../../src/message/render/liquid.ts';

const liquid = createLiquid({ output: 'html' });

function shown(
  template: string,
  chosen: [string, string | null][] = [],
  scope: Record<string, unknown> = {},
): string {
  const exm = scopeObject({ components: new Map(chosen) });
  return String(liquid.renderSync(liquid.parse(template), scopeObject({ ...scope, _exm: exm })));
}

describe('a component', () => {
  const offer =
    '<{% component offer %}all{% variation vip %}gold{% variation de-at %}Grüß Gott{% endcomponent %}>';

  test('shows its default content, the variation that was chosen, or nothing', () => {
    expect(shown(offer)).toBe('<all>');
    expect(shown(offer, [['offer', 'vip']])).toBe('<gold>');
    expect(shown(offer, [['offer', 'de-at']])).toBe('<Grüß Gott>');
    expect(shown(offer, [['offer', null]])).toBe('<>');
  });

  test('shows its default content where it has no variation of the chosen name', () => {
    expect(shown(offer, [['offer', 'other']])).toBe('<all>');
    expect(shown(offer, [['offer', 'constructor']])).toBe('<all>');
  });

  test('fills in and escapes the tokens of what it shows', () => {
    const template = '{% component a %}{{ contact.x }}{% variation b %}[{{ contact.x }}]{% endcomponent %}';
    expect(shown(template, [['a', 'b']], { contact: { x: '<b>' } })).toBe('[&lt;b&gt;]');
  });

  test('may stand in a variation of another and has variations of its own', () => {
    const template =
      '{% component a %}1{% variation x %}2{% component b %}3{% variation x %}4{% endcomponent %}5{% variation y %}6{% endcomponent %}';
    expect(shown(template)).toBe('1');
    expect(shown(template, [['a', 'x']])).toBe('235');
    expect(
      shown(template, [
        ['a', 'x'],
        ['b', 'x'],
      ]),
    ).toBe('245');
    expect(
      shown(template, [
        ['a', 'x'],
        ['b', null],
      ]),
    ).toBe('25');
    expect(
      shown(template, [
        ['a', 'y'],
        ['b', 'x'],
      ]),
    ).toBe('6');
  });

  test('cannot be switched by the template itself', () => {
    expect(shown(`{% assign _exm = "x" %}{% assign components = "y" %}${offer}`, [['offer', 'vip']])).toBe(
      '<gold>',
    );
  });

  test('lets the check of tokens see the tokens of its variations', () => {
    const names = liquid.globalVariablesSync(
      '{% component a %}{{ one }}{% variation b %}{% if two %}{{ three }}{% endif %}{% endcomponent %}',
    );
    expect(names.sort()).toEqual(['one', 'three', 'two']);
  });

  test.each([
    ['{% component a %}x', 'the component "a" is not closed'],
    [
      '{% component a %}{% if x %}{% endcomponent %}',
      'stands in no component, or in a tag that is not closed',
    ],
    ['{% component a %}{% variation b %}{% variation b %}{% endcomponent %}', 'has the variation "b" twice'],
    ['{% component %}x{% endcomponent %}', 'needs a name'],
    ['{% component "a" %}x{% endcomponent %}', 'needs a name'],
    [`{% component ${'a'.repeat(65)} %}x{% endcomponent %}`, 'needs a name'],
    ['{% component a %}{% variation b c %}{% endcomponent %}', 'needs a name'],
    ['{% variation b %}', '{% variation %} stands in no component'],
    ['x{% endcomponent %}', '{% endcomponent %} stands in no component'],
  ])('is refused as %s', (template, reason) => {
    expect(() => liquid.parse(template)).toThrow(reason);
  });
});
