import PostalMime from 'postal-mime';
import { describe, expect, test } from 'vitest';
import { BodyCache } from '../../../src/message/body-cache.ts';
import { MessageComposer, type ReadyBody } from '../../../src/message/compose.ts';
import type { FrozenContent, MessageEncoding } from '../../../src/message/content.ts';
import { createLiquid, scopeObject } from '../../../src/message/render/liquid.ts';
import { Rendering } from '../../../src/message/render/rendering.ts';
import { makeToken } from '../../../src/tracking/links/token.ts';
import fc from '../../support/fast-check.ts';
import { composePlainly } from '../../support/plain-composition.ts';
import { ada, freeze, keys, recipient } from '../fixtures.ts';

const date = new Date('2026-10-31T12:34:56Z');
const files = new Map([
  ['a'.repeat(64), Buffer.from('%PDF '.repeat(700))],
  ['b'.repeat(64), Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 255, 13, 10])],
]);
const file = (letter: string, name: string, type: string) => ({
  hash: letter.repeat(64),
  name,
  type,
  size: 8,
});
const withFiles = {
  attachments: [file('a', 'Preisliste für Österreich – Herbst und Winter 2026.pdf', 'application/pdf')],
  embedded: [{ ...file('b', 'logo.png', 'image/png'), cid: 'logo.1@exm' }],
};

const template = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'Dear ',
        '{{ contact.firstName }}',
        '{{ contact.lastName }}',
        '{{ contact.facets.city }}',
        '{{ contact.id }}{{ contact.email }}',
        '{{ campaign.values.season }}',
        '{{ unsubscribeUrl }}',
        '{% if contact.facets.city %}in {{ contact.facets.city }}.{% endif %}',
        '\n',
        '.',
        '..\n.',
        ' ',
        '\t',
        '=',
        'Grüße 🌍 ',
        `<p title="${'x'.repeat(60)}">`,
      ),
      fc.string({ unit: 'binary', maxLength: 30 }).map((text) => text.replace(/[{}%]/g, '')),
      fc.nat(1_200).map((length) => `${'word '.repeat(length / 5)}`),
      fc.nat(90).map((length) => 'z'.repeat(length)),
    ),
    { maxLength: 14 },
  )
  .map((pieces) => pieces.join(''));
const value = fc.oneof(
  fc.constantFrom(
    '',
    'Ada',
    '.',
    '..',
    ' ',
    '\n',
    '\r\n.\r\n',
    '=?utf-8?q?x?=',
    '\u{1F30D}',
    '=_',
    'a b ',
    '\t',
  ),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.nat(300).map((length) => 'v'.repeat(length)),
  fc.nat(80).map((length) => 'ü'.repeat(length)),
);
const someone = fc.record({
  firstName: value,
  lastName: value,
  facets: fc.dictionary(fc.constantFrom('city', 'plan'), value, { noNullPrototype: true }),
});
const encodings = fc.constantFrom<MessageEncoding>('7bit', '8bit');

function contentOf(html: string, text: string, more: Partial<FrozenContent>): FrozenContent {
  const base: FrozenContent = {
    campaignId: 'autumn-7k3f',
    name: 'Autumn',
    from: { name: 'Büro Wien', address: 'news@example.com' },
    baseUrl: 'https://mail.example.com',
    values: { season: 'Herbst, Autumn & <leaves>' },
    defaultLanguage: 'en',
    bodies: [{ variant: 0, language: 'en', subject: 'Hello {{ contact.firstName }}', html, text }],
    links: [],
    goals: [],
  };
  return { ...base, ...more };
}

const request = (who: Parameters<typeof recipient>[0]) => ({
  recipient: recipient(who),
  position: 7,
  variant: 0,
  language: 'en',
});

async function compose(
  content: FrozenContent,
  who: Parameters<typeof recipient>[0],
  encoding: MessageEncoding,
) {
  const composer = new MessageComposer(content, keys, { files, now: () => date });
  return (await composer.compose(recipient(who), 7, 0, 'en', { encoding })).raw;
}

describe('the message engine', () => {
  test('makes the very bytes of a full composition, for any template and recipient', async () => {
    await fc.assert(
      fc.asyncProperty(
        template,
        template,
        someone,
        encodings,
        fc.boolean(),
        async (html, text, who, wanted, has) => {
          const shown = has ? '<img src="cid:logo.1@exm">' : '';
          const content = contentOf(html + shown, text, has ? withFiles : {});
          const made = await compose(content, who, wanted);
          expect(made.toString('utf8')).toBe(
            composePlainly(content, request(who), { date, wanted, files }).toString(),
          );
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test('sends what the templates say, as another MIME parser reads it', async () => {
    await fc.assert(
      fc.asyncProperty(template, template, someone, encodings, async (html, text, who, wanted) => {
        const content = contentOf(html, text, {});
        const mail = await PostalMime.parse(await compose(content, who, wanted));
        const token = makeToken({ campaignId: 'autumn-7k3f', position: 7, contactId: ada.contactId }, keys);
        const scope = new Rendering(content, request(who), token).scope;
        const says = (output: 'html' | 'plain', source: string) =>
          clean(String(createLiquid({ output }).parseAndRenderSync(source, scopeObject(scope))));
        expect(clean(mail.html ?? '')).toBe(says('html', html));
        expect(clean(mail.text ?? '')).toBe(says('plain', text));
      }),
      { numRuns: 500 },
    );
  });

  test('has short lines only, and in quoted-printable none that begins with a dot or ends with a blank', async () => {
    await fc.assert(
      fc.asyncProperty(template, template, someone, encodings, async (html, text, who, wanted) => {
        const raw = await compose(contentOf(html, text, withFiles), who, wanted);
        const all = raw.toString('latin1').split('\r\n');
        const isEightBit = raw.includes('Transfer-Encoding: 8bit');
        const head = all.slice(0, all.indexOf(''));
        expect(Math.max(...head.map((line) => line.length))).toBeLessThanOrEqual(100);
        expect(Math.max(...all.map((line) => line.length))).toBeLessThanOrEqual(998);
        expect(all.join('')).not.toMatch(/[\r\n\0]/);
        if (isEightBit) return;
        expect(all.slice(all.indexOf('')).every((line) => line.length <= 76 && !line.startsWith('.'))).toBe(
          true,
        );
        expect(all.slice(all.indexOf('')).some((line) => /[ \t]$/.test(line))).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});

/** What the encodings leave out, and all newlines alike; a last one belongs to the boundary. */
function clean(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const controls = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/g;
  return text.toWellFormed().replace(/\r\n?/g, '\n').replace(controls, '').replace(/\n+$/, '');
}

describe('the message body cache', () => {
  const large = async (word: string) =>
    await freeze({
      html: `<html><body>${word.repeat(20_000)}{{ contact.firstName }}</body></html>`,
      text: word,
    });

  test('renders a body once, however many recipients', async () => {
    const bodies = new BodyCache<ReadyBody>(10_000_000);
    const composer = new MessageComposer(await large('x'), keys, { cache: { bodies, contentHash: 'h' } });
    for (let position = 1; position <= 5; position++) await composer.compose(ada, position, 0, 'en');
    expect(bodies.statistics).toMatchObject({ hits: 4, misses: 1, evictions: 0, entries: 1 });
    expect(bodies.statistics.bytes).toBeGreaterThan(20_000);
  });

  test('is bounded by bytes: whatever was not used for longest makes room', async () => {
    const bodies = new BodyCache<ReadyBody>(400_000);
    const composers = await Promise.all(
      ['a', 'b', 'c', 'd', 'e'].map(
        async (word) =>
          new MessageComposer(await large(word), keys, { cache: { bodies, contentHash: word } }),
      ),
    );
    for (const composer of composers) {
      await composer.compose(ada, 1, 0, 'en');
      await composers[0]?.compose(ada, 2, 0, 'en');
    }
    const { misses, evictions, entries, bytes } = bodies.statistics;
    expect({ misses, evictions: evictions > 0, all: evictions + entries }).toEqual({
      misses: 5,
      evictions: true,
      all: 5,
    });
    expect(bytes).toBeLessThanOrEqual(400_000);
  });

  test('that is too small for a body sends it all the same', async () => {
    const bodies = new BodyCache<ReadyBody>(10);
    const composer = new MessageComposer(await large('x'), keys, { cache: { bodies, contentHash: 'h' } });
    for (let position = 1; position <= 3; position++) {
      expect((await PostalMime.parse((await composer.compose(ada, position, 0, 'en')).raw)).html).toContain(
        'Ada',
      );
    }
    expect(bodies.statistics).toMatchObject({ hits: 0, misses: 3, entries: 0, bytes: 0 });
  });
});
