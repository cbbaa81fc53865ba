import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { inlineCss } from '../../../../src/message/freeze/css/inline-css.ts';
import { maskLiquid } from '../../../../src/message/freeze/liquid-mask.ts';
import { packagePath } from '../../../../src/package-path.ts';
import fc from '../../../support/fast-check.ts';
import { freeze } from '../../fixtures.ts';

/** The template with its styles inlined, as it is sent. */
function inlined(template: string): string {
  const masked = maskLiquid(template);
  return masked.unmask(inlineCss(masked.text, masked).html);
}

/** The same, of a body under a style sheet that stays as it is. */
function underStyle(css: string, body: string): string {
  const style = `<style>${css}</style>`;
  const whole = inlined(style + body);
  expect(whole.startsWith(style)).toBe(true);
  return whole.slice(style.length);
}

describe('rules are copied into style attributes', () => {
  test.each<[string, string, string, string]>([
    ['by element', 'p{color:red}', '<P CLASS=x>a</P>', '<P style="color: red" CLASS=x>a</P>'],
    [
      'by class and id',
      '.a{color:red}#b{margin:0}',
      '<i class="x a"></i><i id=b></i>',
      '<i style="color: red" class="x a"></i><i style="margin: 0" id=b></i>',
    ],
    [
      'by attribute',
      'a[href^="https"]{color:red}',
      '<a href="https://a.example/">x</a>',
      '<a style="color: red" href="https://a.example/">x</a>',
    ],
    [
      'by where they stand',
      'table.a > tbody td b{color:red}',
      '<table class=a><tr><td><b>x</b></table><b>y</b>',
      '<table class=a><tr><td><b style="color: red">x</b></table><b>y</b>',
    ],
    [
      'by position',
      'p:first-child{color:red}',
      '<div><p>a</p><p>b</p></div>',
      '<div><p style="color: red">a</p><p>b</p></div>',
    ],
    [
      'the more specific ones last',
      '.a{color:red;margin:0}p{color:blue}',
      '<p class=a>',
      '<p style="color: red;margin: 0" class=a>',
    ],
    [
      'important ones above all, without the word',
      'p{color:red!important}#a{color:blue}',
      '<p id=a>',
      '<p style="color: red" id=a>',
    ],
    [
      'behind which the own style counts',
      'p{color:red;margin:0;padding-left:1px}',
      '<p style="color:blue;padding:0;">',
      '<p style="margin: 0;padding-left: 1px;color:blue;padding:0">',
    ],
    [
      'before which important ones count',
      'p{color:red!important}',
      "<p style='color:blue'>",
      "<p style='color:blue;color: red'>",
    ],
    [
      'with names in quotes',
      'p{font-family:"A B",c}',
      `<p><p style='margin:0'>`,
      `<p style="font-family: 'A B',c"><p style='font-family: "A B",c;margin:0'>`,
    ],
    [
      'with addresses',
      'p{background:url(https://a.example/?a=1&b=2;c)}',
      '<p>',
      '<p style="background: url(https://a.example/?a=1&amp;b=2;c)">',
    ],
    [
      'also of void and unclosed elements',
      'br,img{margin:0}li{color:red}',
      '<br/><img src=a><ul><li>a<li>b',
      '<br style="margin: 0"/><img style="margin: 0" src=a><ul><li style="color: red">a<li style="color: red">b',
    ],
    [
      'once where the tree has an element twice',
      'b{color:red}',
      '<p><b>x<p>y</b>z',
      '<p><b style="color: red">x<p>y</b>z',
    ],
  ])('%s', (_what, css, body, expected) => {
    expect(underStyle(css, body)).toBe(expected);
  });

  test('in order, over several style elements', () => {
    const html = '<style>p{color:red}</style><style type="text/css" media="screen">p{color:blue}</style><p>';
    expect(inlined(html)).toBe(html.replace(/<p>$/, '<p style="color: blue">'));
  });
});

describe('what only a style element can say stays there alone', () => {
  test.each([
    ['media queries', '@media (max-width:480px){p{color:red}}'],
    ['states', 'p:hover{color:red} p:focus{color:red} p::before{content:"x";color:red}'],
    [
      'fonts and imports',
      '@font-face{font-family:x;src:url(https://a.example/x.woff)} @import url(https://a.example/x.css);',
    ],
    ['variables', ':root{--c:red} p{color:var(--c)} p{--d:1px}'],
    ['what is no CSS', 'p{color} <p> }'],
  ])('%s', (_what, css) => {
    expect(underStyle(css, '<p class="x">a</p>')).toBe('<p class="x">a</p>');
  });

  test.each([
    ['for other media', '<style media="print">p{color:red}</style><p>'],
    ['of another type', '<style type="text/less">p{color:red}</style><p>'],
    [
      'in conditional comments',
      '<!--[if mso]><style>p{color:red}</style><![endif]--><style>b{color:red}</style><p>',
    ],
  ])('style elements %s', (_what, html) => {
    expect(inlined(html)).toBe(html);
  });
});

describe('Liquid', () => {
  test('stays in attributes, styles and between tags, also as an attribute', () => {
    const body = `<p style="{% if contact.plan %}color:{{ contact.colour | default: "red" }};{% endif %}" {{ x }} {% if a %}class="p"{% endif %}>{{ y }}</p>`;
    expect(underStyle('p{color:red;margin:0}', body)).toBe(
      body.replace('style="', 'style="color: red;margin: 0;'),
    );
  });

  test('that puts a style into a tag is not put behind another one', () => {
    const body = '<p {% if a %}style="color:blue"{% endif %}>x</p>';
    expect(underStyle('p{color:red}', body)).toBe(body);
  });

  test('in a value is copied with it', () => {
    expect(underStyle('p{color:{{ campaign.colour }}}', '<p>')).toBe(
      '<p style="color: {{ campaign.colour }}">',
    );
  });

  test('that decides about rules leaves them where they are', () => {
    for (const css of [
      '{% if a %}p{color:red}{% endif %}',
      'p{ {% if a %}color:red{% else %}color:blue{% endif %} }',
    ])
      expect(underStyle(css, '<p>x</p>')).toBe('<p>x</p>');
    const html = '{% if a %}<style>p{color:red}</style>{% endif %}<p>x</p>';
    expect(inlined(html)).toBe(html);
  });

  test('that may repeat or leave out elements keeps rules about positions where they are', () => {
    const body =
      '<table>{% for f in contact.facets %}<tr class="r"><td>{{ f[1] }}</td></tr>{% endfor %}</table>';
    expect(underStyle('tr:nth-child(odd){color:red} tr + tr{color:blue} .r td{margin:0}', body)).toBe(
      body.replace('<td>', '<td style="margin: 0">'),
    );
  });
});

describe('everything else stays byte for byte', () => {
  const awkward = `<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office">
<head><META HTTP-EQUIV="Content-Type" content="text/html; charset=UTF-8" />
<!--[if gte mso 9]><xml><o:OfficeDocumentSettings><o:AllowPNG/><o:PixelsPerInch>96</o:PixelsPerInch></o:OfficeDocumentSettings></xml><![endif]-->
<style type="text/css"><!-- td, p { font-family: "Segoe UI", sans-serif } @media screen { td { color: red !important } } --></style></head>
<BODY bgColor=#FFFFFF class='a' class="b" {{ contact.facets.attribute }}>
&nbsp;&copy; &euro &#8364; &bogus; 5 < 6 & 7 <o:p>&nbsp;</o:p>
<!--[if (gte mso 9)|(IE)]><table width="600"><tr><td><![endif]-->
<!--[if !mso]><!--><img src="a.png" srcset="a.png 1x, b.png 2x" alt='"x"'/><!--<![endif]-->
<!--[if mso]><v:roundrect href="https://a.example/" style="height:40px;v-text-anchor:middle" arcsize="10%"><w:anchorlock/></v:roundrect><![endif]-->
{% for f in contact.facets %}<table><tr><td nowrap>{{ f[0] }}<td align=right>{{ f[1] }}</table>{% endfor %}
<p>unclosed <p>{% raw %}{{ literally }}{% endraw %}<svg viewBox="0 0 1 1"><linearGradient/></svg>
<pre>
  a   b</pre><textarea><p></textarea>\t\r\n</BODY></html>`;

  test('with doctypes, entities, unclosed tags, conditional comments and VML', () => {
    const result = inlined(awkward);
    expect(result).toContain('<td style="');
    expect(result).toContain('<p style="');
    expect(result.replaceAll(/ style="font-family: 'Segoe UI', sans-serif"/g, '')).toBe(awkward);
    expect(inlined(awkward)).toBe(result);
  });

  test("in the demo's letter, and where there are no styles to inline", async () => {
    const letter = readFileSync(packagePath('demo/newsletter/letter.en.mjml'), 'utf8');
    const mjml = (await freeze({ mjml: letter })).bodies[0]?.html ?? '';
    const result = inlined(mjml);
    expect(result).not.toBe(mjml);
    expect(inlined('<p>{{ x }}')).toBe('<p>{{ x }}');
    const withoutStyles = (html: string) => html.replace(/\s?style="[^"]*"/g, '');
    expect(withoutStyles(result)).toBe(withoutStyles(mjml));
  });

  test('whatever the template is', () => {
    const piece = fc.constantFrom(
      '<p class="a">',
      '</p>',
      '<b>',
      '</b>',
      '<table>',
      '<tr>',
      '<td',
      '>',
      ' style="',
      '"',
      "'",
      '=',
      '<!--',
      '-->',
      '<![endif]-->',
      '<!--[if mso]>',
      '{{ x }}',
      '{% if x %}',
      '{% endif %}',
      '&amp;',
      '<style>',
      '</style>',
      '.a{color:red}',
      '<svg>',
      '<title>',
      '</',
      '<',
      ' a=b',
      "<i style='a:b'>",
      '\n',
      'ä😀',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const template = `<style>p,td,i,b{color:red}</style>${pieces.join('')}`;
        const masked = maskLiquid(template);
        const { html } = inlineCss(masked.text, masked);
        const without = html
          .replaceAll(' style="color: red"', '')
          .replaceAll('color: red;', '')
          .replaceAll(';color: red', '');
        const original = masked.text.replaceAll('color: red;', '');
        expect(without.replace(/style=["']?(?:color: red)?["']?/g, '')).toBe(
          original.replace(/style=["']?(?:color: red)?["']?/g, ''),
        );
      }),
      { numRuns: 500 },
    );
  });
});

describe('too many styles', () => {
  test.each([
    ['rules for so many elements', `<style>${'.a{color:red}'.repeat(400)}</style>${'<p>'.repeat(5_000)}`],
    ['characters', `<style>${'a{'.repeat(50_000)}</style><p>`],
    ['selectors', `<style>${'a,'.repeat(5_000)}p{color:red}</style><p>`],
    [
      'copies',
      `<style>p{${Array.from({ length: 50 }, (_, i) => `x-${'abcdefghij'[i % 10]}${'abcde'[Math.floor(i / 10)]}:1`).join(';')}}</style>${'<p>'.repeat(2_000)}`,
    ],
  ])('(%s) are left where they are, and said', (_what, template) => {
    const masked = maskLiquid(template);
    expect(inlineCss(masked.text, masked)).toEqual({ html: template, isTooMuch: true });
  });
});

test('templates of HTML are sent with their styles inlined, and their text part leaves out what these hide', async () => {
  const html =
    '<style>.hidden{display:none}a{color:red}</style><p class="hidden">secret</p><a href="https://a.example/">shop</a>';
  const [body] = (await freeze({ html })).bodies;
  expect(body?.html).toContain('<a style="color: red" href="https://mail.example.com/c/');
  expect(body?.text).not.toContain('secret');
});
