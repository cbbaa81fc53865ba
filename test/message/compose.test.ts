import PostalMime from 'postal-mime';
import { describe, expect, test, vi } from 'vitest';
import { FailedError } from '../../src/domain/errors.ts';
import { MessageComposer } from '../../src/message/compose.ts';
import { RecipientFailedError } from '../../src/message/recipient-failed-error.ts';
import { renderBody } from '../../src/message/render/render-body.ts';
import { makeToken, openToken } from '../../src/tracking/links/token.ts';
import fc from '../support/fast-check.ts';
import { ada, baseUrl, freeze, keys, recipient } from './fixtures.ts';

const content = await freeze({
  subject: 'Hello {{ contact.firstName | default: "you" }} of {{ contact.facets.city }}',
  html: `<html><body><h1>Dear {{ contact.firstName }} {{ contact.lastName }}</h1>
<p title="{{ contact.city }}">{{ campaign.values.season }}, {{ campaign.name }}</p>
<a href="https://shop.example/?name={{ contact.firstName }}">Shop</a>
<a href="{{ unsubscribeUrl }}">Unsubscribe</a> <a href="{{ viewOnlineUrl }}">Online</a></body></html>`,
  values: { season: 'Autumn & <leaves>' },
  replyTo: { name: 'Büro, "Wien"', address: 'office@example.com' },
});
const composer = new MessageComposer(content, keys);
const parse = (raw: Buffer) => PostalMime.parse(raw);
const compose = async (change: Parameters<typeof recipient>[0] = {}, position = 7) =>
  await composer.compose(recipient(change), position, 0, 'en');

describe('a composed message', () => {
  test('is what another MIME parser reads: sender, recipient, subject, both parts', async () => {
    const { envelope, raw, messageId } = await compose();
    const mail = await parse(raw);
    expect(envelope).toEqual({ from: 'news@example.com', to: 'ada@example.org' });
    expect(mail.from).toMatchObject({ name: 'News', address: 'news@example.com' });
    expect(mail.replyTo).toMatchObject([{ name: 'Büro, "Wien"', address: 'office@example.com' }]);
    expect(mail.to).toMatchObject([{ name: 'Ada Lovelace', address: 'ada@example.org' }]);
    expect(mail.subject).toBe('Hello Ada of London');
    expect(mail.messageId).toBe(messageId);
    expect(Math.abs(Date.parse(mail.date ?? '') - Date.now())).toBeLessThan(600_000);
    const token = makeToken({ campaignId: content.campaignId, position: 7, contactId: 42 }, keys);
    expect(mail.html).toContain('<h1>Dear Ada Lovelace</h1>');
    expect(mail.html).toContain('<p title="London">Autumn &amp; &lt;leaves&gt;, Autumn</p>');
    expect(mail.html).toContain(`href="${baseUrl}/c/${token}/0"`);
    expect(mail.html).toContain(`src="${baseUrl}/o/${token}.gif"`);
    expect(mail.html).toContain(`href="${baseUrl}/u/${token}"`);
    expect(mail.html).toContain(`href="${baseUrl}/v/${token}"`);
    expect(mail.text).toContain('Dear Ada Lovelace');
    expect(mail.text).toContain('Autumn & <leaves>, Autumn');
    expect(mail.text).toContain(`Shop <${baseUrl}/c/${token}/0>`);
  });

  test('can be unsubscribed from with one click, by RFC 8058', async () => {
    const mail = await parse((await compose()).raw);
    const headers = new Map(mail.headers.map(({ key, value }) => [key, value]));
    const url = /^<https:\/\/mail\.example\.com\/u\/([\w-]+)>$/.exec(headers.get('list-unsubscribe') ?? '');
    expect(openToken(url?.[1] ?? '', keys)).toEqual({
      campaignId: 'autumn-7k3f',
      position: 7,
      contactId: 42,
    });
    expect(headers.get('list-unsubscribe-post')).toBe('List-Unsubscribe=One-Click');
    expect(headers.get('list-id')).toBe('<news.example.com>');
    expect(headers.get('feedback-id')).toBe('autumn-7k3f:variant-0:en:examplecom');
  });

  test('has the same Message-ID over all tries, and another one for everybody else', async () => {
    const [first, again, other] = [await compose(), await compose(), await compose({}, 8)];
    expect(first.messageId).toMatch(/^<autumn-7k3f\.7\.[0-9a-f]{24}@example\.com>$/);
    expect(again.messageId).toBe(first.messageId);
    expect(other.messageId).not.toBe(first.messageId);
  });

  test('is 7-bit with CRLF and short lines only, whatever it holds', async () => {
    const long = `${'ü'.repeat(2_000)} ${'x'.repeat(5_000)}`;
    const { raw } = await compose({ firstName: long, facets: { city: long } });
    const text = raw.toString('latin1');
    expect(text).toMatch(/^[\t\r\n\x20-\x7e]*$/);
    expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
    expect(Math.max(...text.split('\r\n').map((line) => line.length))).toBeLessThanOrEqual(998);
  });

  test('says what a contact lacks with nothing, and an empty value is false', async () => {
    const body = renderBody(
      await freeze({
        html: '[{{ contact.firstName }}|{{ contact.facets.nope }}|{% if contact.lastName %}yes{% endif %}]',
      }),
      {
        recipient: recipient({ firstName: '', lastName: '', facets: {} }),
        position: 1,
        variant: 0,
        language: 'en',
      },
      keys,
    );
    expect(body.html).toContain('[||]');
    expect((await parse((await compose({ firstName: '', facets: {} })).raw)).subject).toBe('Hello you of');
  });

  test('goes in the language asked for, else the language without region, else the default one', async () => {
    const of = (word: string) => ({
      subject: word,
      template: { format: 'html' as const, file: 'x.html', source: word },
    });
    const many = new MessageComposer(await freeze({ bodies: { en: of('Hello'), de: of('Hallo') } }), keys);
    const subjects = await Promise.all(
      ['de', 'de-at', 'fr', ''].map(
        async (language) => (await parse((await many.compose(ada, 1, 0, language)).raw)).subject,
      ),
    );
    expect(subjects).toEqual(['Hallo', 'Hallo', 'Hello', 'Hello']);
  });

  test('of a test is marked, and its links count for nobody', async () => {
    const test = new MessageComposer(content, keys, { test: true });
    const [one, two] = [await test.compose(ada, 0, 0, 'en'), await test.compose(ada, 0, 0, 'en')];
    const mail = await parse(one.raw);
    expect(mail.subject).toBe('[Test] Hello Ada of London');
    expect(one.messageId).not.toBe(two.messageId);
    const token = makeToken({ campaignId: 'autumn-7k3f', position: 0, contactId: 42 }, keys);
    expect(mail.html).toContain(`${baseUrl}/v/${token}?variant=0&amp;language=en`);
  });
});

describe('what a contact holds', () => {
  const headerNames = async (raw: Buffer) => (await parse(raw)).headers.map(({ key }) => key).sort();
  const hostile = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc
      .array(
        fc.constantFrom(
          '\r\n',
          '\n',
          '\r',
          'Bcc: x@evil.example',
          '\0',
          '"',
          '<',
          '>',
          ',',
          ';',
          '@',
          '(',
          '\\',
          '=?utf-8?q?=0D=0A?=',
          '\u2028',
          'é',
          '😀',
          '\ud800',
          ' ',
          ':',
        ),
      )
      .map((parts) => parts.join('')),
  );

  test('cannot add a header, a recipient or a part, nor break the subject', async () => {
    const expected = await headerNames((await compose()).raw);
    await fc.assert(
      fc.asyncProperty(hostile, hostile, hostile, async (firstName, lastName, city) => {
        const { raw, envelope } = await compose({ firstName, lastName, facets: { city } });
        const mail = await parse(raw);
        expect(await headerNames(raw)).toEqual(expected);
        expect(envelope.to).toBe('ada@example.org');
        expect(mail.to?.map((one) => one.address)).toEqual(['ada@example.org']);
        expect(mail.cc ?? []).toEqual([]);
        expect(mail.bcc ?? []).toEqual([]);
        expect(mail.subject).not.toMatch(/[\r\n]/);
        expect(mail.attachments).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  test('is escaped in HTML', async () => {
    const { raw } = await compose({
      firstName: '<script>alert(1)</script>',
      facets: { city: '" onmouseover="x' },
    });
    const { html, text } = await parse(raw);
    expect(html).not.toContain('<script>');
    expect(html).toContain('title="&#34; onmouseover=&#34;x"');
    expect(text).toContain('Dear <script>alert(1)</script>');
  });

  test('is all a template can see: no prototype, no method, no other contact', async () => {
    const names = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'prototype', 'valueOf'];
    const html = names.map(
      (name) =>
        `[{{ contact.${name} }}{{ contact.facets.${name} }}{{ contact.facets["${name}"].constructor }}]`,
    );
    const frozen = await freeze({ html: html.join('') });
    const render = (facets: Record<string, string>) =>
      renderBody(frozen, { recipient: recipient({ facets }), position: 1, variant: 0, language: 'en' }, keys)
        .html;
    expect(render({}).startsWith('[][][][][][]')).toBe(true);
    const own = Object.fromEntries(names.map((name) => [name, 'own']));
    expect(render(JSON.parse(JSON.stringify(own)) as Record<string, string>)).toMatch(/^(\[ownown\]){6}/);
  });

  test('of the wrong kind fails that recipient alone, with a reason that says nothing about the person', async () => {
    const frozen = await freeze({
      subject: 'x',
      html: '{% for i in (1..1000000000) %}{{ contact.firstName }}{% endfor %}',
    });
    const error = await new MessageComposer(frozen, keys)
      .compose(ada, 1, 0, 'en')
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RecipientFailedError);
    expect(error).toBeInstanceOf(FailedError);
    expect(error).toMatchObject({ code: 'TEMPLATE_RENDER', retryable: false });
    expect((error as Error).cause).toBeUndefined();
    expect(JSON.stringify(error) + String((error as Error).stack)).not.toMatch(/Ada|ada@/);
  });

  test('does not fail because the process was frozen in the middle of a rendering', async () => {
    const frozen = await freeze({ html: '{% for i in (1..3) %}Dear {{ contact.firstName }}{% endfor %}' });
    const now = performance.now.bind(performance);
    let asked = 0;
    let frozenMs = 0;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => {
      asked += 1;
      if (asked === 4) frozenMs = 60_000;
      return now() + frozenMs;
    });
    try {
      const { raw } = await new MessageComposer(frozen, keys).compose(ada, 1, 0, 'en');
      expect(frozenMs).toBe(60_000);
      expect((await parse(raw)).html).toContain('Dear AdaDear AdaDear Ada');
    } finally {
      clock.mockRestore();
    }
  });

  test.each([
    '',
    'ada',
    'ada@example.org\r\nRCPT TO:<eve@example.org>',
    'a b@example.org',
    '<ada@example.org>',
    'ada@example.org, eve@example.org',
    'ada@[127.0.0.1]',
  ])('as an address must be one: %j', async (email) => {
    await expect(compose({ email })).rejects.toMatchObject({ code: 'ADDRESS_MALFORMED' });
  });

  test('as an international domain is sent to in its ASCII form', async () => {
    const { envelope } = await compose({ email: 'ada@bücher.example' });
    expect(envelope.to).toBe('ada@xn--bcher-kva.example');
  });
});
