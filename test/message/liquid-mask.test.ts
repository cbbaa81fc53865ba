import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLiquid } from '../../src/message/liquid.ts';
import { escapeLiquid, maskLiquid } from '../../src/message/liquid-mask.ts';

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

test('lines are found again behind tags that span several of them', () => {
  const masked = maskLiquid('one\n{% comment %}\n\n{% endcomment %}\nfive {{ a\n| upcase }}\nseven');
  const line = masked.text.split('\n').indexOf('seven') + 1;
  expect(masked.originalLine(line)).toBe(7);
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
