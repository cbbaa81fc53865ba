import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MessageComposer } from '../../../src/message/compose.ts';
import type { FrozenContent } from '../../../src/message/content.ts';
import { createDkimSigner } from '../../../src/message/dkim/dkim.ts';
import { freezeContent } from '../../../src/message/freeze/freeze-content.ts';
import { trackingPaths } from '../../../src/tracking/links/links.ts';
import { makeToken } from '../../../src/tracking/links/token.ts';
import { dkimVerdicts, ed25519, rsa } from '../../support/dkim.ts';
import { onlyField, type RawMessage, takeApart, unfolded } from '../../support/mail-rules.ts';
import { type MailPath, openMailPath } from '../../support/received-mail.ts';
import { ada, baseUrl, definition, freeze, keys, recipient } from '../fixtures.ts';

let path: MailPath;
beforeAll(async () => {
  path = await openMailPath();
});
afterAll(async () => await path.close());

const dkim = { domain: 'example.com', selector: 's1' };
const signer = createDkimSigner({ ...dkim, privateKey: rsa });
const field = (message: RawMessage, name: string) => unfolded(onlyField(message, name));

describe('a list (RFC 2919, RFC 2369, RFC 8058)', () => {
  test('has one identity for all campaigns of a sender: a phrase-less List-Id of labels', async () => {
    const { raw } = await path.send(await new MessageComposer(await freeze(), keys).compose(ada, 7, 0, 'en'));
    expect(field(takeApart(raw), 'List-Id')).toMatch(/^<[a-z0-9-]+(?:\.[a-z0-9-]+)+>$/i);
  });

  test('is left by one POST to an HTTPS address of the recipient’s own', async () => {
    const { raw } = await path.send(await new MessageComposer(await freeze(), keys).compose(ada, 7, 0, 'en'));
    const message = takeApart(raw);
    const token = makeToken({ campaignId: 'autumn-7k3f', position: 7, contactId: ada.contactId }, keys);
    expect(field(message, 'List-Unsubscribe')).toBe(`<${baseUrl}${trackingPaths.unsubscribe(token)}>`);
    expect(field(message, 'List-Unsubscribe-Post')).toBe('List-Unsubscribe=One-Click');
  });

  test('is left by mail, too, where somebody reads it: after the HTTPS address, both as URLs', async () => {
    const { content } = await freezeContent(definition(), {
      campaignId: 'autumn-7k3f',
      baseUrl,
      unsubscribeAddress: 'un&subscribe+x@example.com',
    });
    const { raw } = await path.send(await new MessageComposer(content, keys).compose(ada, 7, 0, 'en'));
    const message = takeApart(raw);
    const ways = field(message, 'List-Unsubscribe')
      .split(/,\s*/)
      .map((way) => new URL(/^<(\S+)>$/.exec(way)?.[1] ?? ''));
    expect(ways.map(({ protocol }) => protocol)).toEqual(['https:', 'mailto:']);
    const token = makeToken({ campaignId: 'autumn-7k3f', position: 7, contactId: ada.contactId }, keys);
    expect(decodeURIComponent(ways[1]?.pathname ?? '')).toBe('un&subscribe+x@example.com');
    expect(ways[1]?.searchParams.get('subject')).toBe(`unsubscribe ${token}`);
    expect(field(message, 'List-Unsubscribe-Post')).toBe('List-Unsubscribe=One-Click');
  });
});

describe('a signed message', () => {
  const signed = async (content: FrozenContent, privateKey = rsa, encoding: '7bit' | '8bit' = '7bit') => {
    const composer = new MessageComposer(content, keys, {
      signer: createDkimSigner({ ...dkim, privateKey }),
    });
    const grace = recipient({ firstName: 'Zoë 🎉', facets: { story: '.\r\n..\r\né' } });
    const message = await composer.compose(grace, 7, 0, 'en', { encoding });
    return { message, received: await path.send(message) };
  };

  test.each([
    ['RSA', rsa],
    ['Ed25519', ed25519],
  ])('is verified as the mail server received it (%s)', async (_, privateKey) => {
    const content = await freeze({
      subject: 'Grüße {{ contact.firstName }}',
      html: '<p>{{ contact.facets.story }}</p>',
    });
    const { received } = await signed(content, privateKey);
    takeApart(received.raw);
    expect(await dkimVerdicts(received.raw, { ...dkim, privateKey })).toMatchObject([
      { result: 'pass', domain: 'example.com' },
    ]);
  });

  test('has how one unsubscribes inside its signature, as RFC 8058 section 4 asks', async () => {
    const { received } = await signed(await freeze());
    const [verdict] = await dkimVerdicts(received.raw, { ...dkim, privateKey: rsa });
    expect(verdict?.result).toBe('pass');
    expect(verdict?.signed).toEqual(
      expect.arrayContaining(['list-unsubscribe', 'list-unsubscribe-post', 'list-id', 'feedback-id']),
    );
  });

  test('is not one of another key', async () => {
    const { received } = await signed(await freeze());
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    const [verdict] = await dkimVerdicts(received.raw, { ...dkim, privateKey });
    expect(verdict?.result).toBe('fail');
  });

  test('is in quoted-printable also for a mail server that takes 8bit: one on the way might not', async () => {
    const { message, received } = await signed(await freeze({ html: '<p>Grüße</p>' }), rsa, '8bit');
    expect(message.encoding).toBe('7bit');
    expect(received.raw.every((byte) => byte < 128)).toBe(true);
  });

  test('is one of a sender at its domain or below it; others are sent unsigned', async () => {
    const from = (address: string) => ({ from: { name: '', address } });
    const below = await signed(await freeze(from('news@mail.example.com')));
    expect(await dkimVerdicts(below.received.raw, { ...dkim, privateKey: rsa })).toMatchObject([
      { result: 'pass' },
    ]);
    const other = await signed(await freeze(from('news@example.org')));
    expect(other.received.raw.toString('latin1')).not.toMatch(/^dkim-signature/im);
    expect(signer.signsFor('news@example.org')).toBe(false);
  });
});
