import { expect, test } from 'vitest';
import { escapeLiquid, maskLiquid } from '../../../src/message/freeze/liquid-mask.ts';
import { createLiquid } from '../../../src/message/render/liquid.ts';
import fc from '../../support/fast-check.ts';

const piece = fc.oneof(
  fc.constantFrom(
    '{{ a }}',
    '{% if a %}',
    '{% endif %}',
    "{{ a | append: '}}' }}",
    '{%- assign b = 1 -%}',
    '<p>',
    '\n',
    ' lq0x1x ',
  ),
  fc.string({ maxLength: 8 }).filter((text) => !/[{}%]/.test(text)),
);

test('unmasking gives back every template, byte for byte', () => {
  fc.assert(
    fc.property(
      fc.array(piece).map((pieces) => pieces.join('')),
      (template) => {
        const masked = maskLiquid(template);
        expect(masked.text).not.toMatch(/\{\{|\{%/);
        expect(masked.unmask(masked.text)).toBe(template);
      },
    ),
  );
});

test('a raw block stays raw, and comments are left out', () => {
  const masked = maskLiquid(
    'a{% raw %}{{ x }} <b>{% endraw %}b{% comment %} {{ y }}\n{% endcomment %}c{% # note %}d',
  );
  expect(masked.text).toMatch(/^a\w+bcd$/);
  expect(masked.unmask(masked.text)).toBe('a{% raw %}{{ x }} <b>{% endraw %}bcd');
});

test('places are found again behind tags that span several lines', () => {
  const masked = maskLiquid('one\n{% comment %}\n\n{% endcomment %}\nfive {{ a\n| upcase }}\nseven');
  const placeOf = (word: string) => masked.placeOf(masked.text.indexOf(word));
  expect(['one', 'five', 'seven'].map(placeOf)).toEqual([
    { line: 1, column: 1 },
    { line: 5, column: 1 },
    { line: 7, column: 1 },
  ]);
  const inLine = maskLiquid('{{ contact.firstName }}{% # x %}<b>');
  expect(inLine.placeOf(inLine.text.indexOf('<b>'))).toEqual({ line: 1, column: 33 });
});

test('text that only looks like Liquid is printed as it is', () => {
  const liquid = createLiquid({ output: 'plain' });
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('{', '}', '%', '{{', '{%', ' x ', '}}')).map((parts) => parts.join('')),
      (text) => {
        expect(liquid.parseAndRenderSync(escapeLiquid(text))).toBe(text);
      },
    ),
  );
});
