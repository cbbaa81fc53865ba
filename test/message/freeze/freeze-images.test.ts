import PostalMime from 'postal-mime';
import { describe, expect, test } from 'vitest';
import { MessageComposer } from '../../../src/message/compose.ts';
import { fileHash } from '../../../src/message/content-files.ts';
import { fileReference } from '../../../src/message/definition/campaign-files.ts';
import { freezeContent } from '../../../src/message/freeze/freeze-content.ts';
import { withLinkedImages } from '../../../src/message/freeze/freeze-images.ts';
import { ada, baseUrl, definition, keys } from '../fixtures.ts';
import { gif, jpeg, png } from '../images.ts';

const logo = fileReference('images/logo.png', png);
const photo = fileReference('images/photo.jpg', jpeg);
const images = { 'images/logo.png': logo, 'images/photo.jpg': photo };
const linkTo = ({ hash }: { hash: string }, extension: string) => `${baseUrl}/i/${hash}.${extension}`;

type Change = Parameters<typeof definition>[0];
const freeze = async (change: Change, campaignId = 'autumn-7k3f') =>
  (await freezeContent(definition({ images, ...change }), { campaignId, baseUrl })).content;
const htmlOf = async (change: Change) => (await freeze(change)).bodies[0]?.html ?? '';

const html = `<html><head><style>.a{background:url("images/photo.jpg")}</style></head>
<body background="images/photo.jpg"><img src="images/logo.png" alt="{{ contact.firstName }}">
<td style="background:url('./images/logo.png')"></td>
<img src='images/logo.png'><img src="https://example.com/a.png?a=1&amp;b=2"><img src="{{ contact.photo }}">
<p>images/logo.png url(images/logo.png)</p></body></html>`;

describe('Image files of a campaign that is frozen', () => {
  test('are linked where nothing else is said', async () => {
    const content = await freeze({ html });
    const [body] = content.bodies;
    expect(content.embedded).toBeUndefined();
    expect(body?.html).toContain(`.a{background:url("${linkTo(photo, 'jpg')}")}`);
    expect(body?.html).toContain(`<body background="${linkTo(photo, 'jpg')}">`);
    expect(body?.html).toContain(`<img src="${linkTo(logo, 'png')}" alt="{{ contact.firstName }}">`);
    expect(body?.html).toContain(`<td style="background:url('${linkTo(logo, 'png')}')">`);
    expect(body?.html).toContain(`<img src='${linkTo(logo, 'png')}'>`);
  });

  test.each([true, false])('leave other addresses and all text alone (embedded: %s)', async (embedImages) => {
    const frozen = await htmlOf({ html, embedImages });
    expect(frozen).toContain('<img src="https://example.com/a.png?a=1&amp;b=2">');
    expect(frozen).toContain('<img src="{{ contact.photo }}">');
    expect(frozen).toContain('<p>images/logo.png url(images/logo.png)</p>');
    expect(frozen).toContain(`<img src="${baseUrl}/o/`);
  });

  test('are embedded once each, under ids of their own and of this campaign', async () => {
    const twice = { 'images/logo.png': logo, 'images/photo.jpg': photo, 'copy.png': logo };
    const content = await freeze({ html: `${html}<img src="copy.png">`, embedImages: true, images: twice });
    expect(new Set(content.embedded)).toEqual(
      new Set([
        { ...logo, cid: `${logo.hash.slice(0, 24)}.autumn-7k3f@example.com` },
        { ...photo, cid: `${photo.hash.slice(0, 24)}.autumn-7k3f@example.com` },
      ]),
    );
    expect(content.embedded).toHaveLength(2);
    const cids = new Set(
      [...(content.bodies[0]?.html ?? '').matchAll(/cid:([^"')]+)/g)].map(([, cid]) => cid),
    );
    expect(cids).toEqual(new Set(content.embedded?.map(({ cid }) => cid)));
    const other = await freeze({ html, embedImages: true }, 'winter-9x9x');
    expect(other.embedded?.map(({ cid }) => cid)).not.toEqual(content.embedded?.map(({ cid }) => cid));
    expect(await freeze({ html, embedImages: true })).toEqual(await freeze({ html, embedImages: true }));
  });

  test('have their addresses in what MJML makes of them, for Outlook too', async () => {
    const mjml = `<mjml><mj-body><mj-section background-url="images/photo.jpg" background-size="cover"><mj-column>
      <mj-image src="images/logo.png" alt="Logo" /><mj-text>{{ contact.firstName }}</mj-text>
      </mj-column></mj-section></mj-body></mjml>`;
    const linked = await htmlOf({ mjml });
    expect(linked).toContain(`src="${linkTo(logo, 'png')}"`);
    expect(linked).toContain(`background="${linkTo(photo, 'jpg')}"`);
    expect(linked).toMatch(new RegExp(`<v:fill[^>]+src="${linkTo(photo, 'jpg')}"`));
    expect(linked).not.toContain('images/');
    const embedded = await htmlOf({ mjml, embedImages: true });
    expect(embedded).toContain(`src="cid:${logo.hash.slice(0, 24)}.autumn-7k3f@example.com"`);
    expect(embedded).not.toContain('images/');
  });

  test('are linked again where a browser shows the message', async () => {
    const shown = withLinkedImages(await freeze({ html, embedImages: true }));
    expect(shown.bodies).toEqual((await freeze({ html })).bodies);
  });

  test('are refused where the definition has no file for the path, with file and line', async () => {
    await expect(freeze({ html: '<p>\n<img src="images/other.png"></p>' })).rejects.toMatchObject({
      code: 'IMAGE_FILE',
      message:
        'mail.html:2:11: the image "images/other.png" is a file, and the campaign was made without it.',
    });
    await expect(freeze({ html: '<img src="constructor">' })).rejects.toMatchObject({ code: 'IMAGE_FILE' });
  });

  test('and attachments are refused where one message cannot carry them all', async () => {
    const large = { ...fileReference('large.gif', gif), size: 4_000_000 };
    const attachments = [{ ...fileReference('prices.pdf', Buffer.from('x')), size: 3_340_033 }];
    const change = { html: '<img src="large.gif">', images: { 'large.gif': large }, attachments };
    await expect(freeze({ ...change, embedImages: true })).rejects.toMatchObject({
      code: 'FILES_TOO_LARGE',
      message: expect.stringContaining(
        '7340033 bytes together, and 7340032 are allowed: large.gif 4000000, prices.pdf 3340033',
      ),
    });
    expect((await freeze(change)).attachments).toEqual(attachments);
  });
});

test('A message carries the images of its own body, under the ids that it names, and every attachment', async () => {
  const prices = Buffer.from('%PDF-1.7 prices');
  const body = (file: string, source: string) => ({
    subject: 'Hello',
    template: { format: 'html' as const, file, source },
  });
  const content = await freeze({
    embedImages: true,
    attachments: [fileReference('Preise für 2026.pdf', prices)],
    bodies: {
      en: body('en.html', '<img src="images/logo.png"><img src="images/photo.jpg">'),
      de: body('de.html', '<img src="images/logo.png">'),
      fr: body('fr.html', '<p>Rien</p>'),
    },
  });
  const files = new Map([png, jpeg, prices].map((bytes) => [fileHash(bytes), bytes]));
  const composer = new MessageComposer(content, keys, { files });
  const carried = async (language: string) => {
    const { raw } = await composer.compose(ada, 1, 0, language);
    const { attachments, html: sent = '' } = await PostalMime.parse(raw);
    const named = [...sent.matchAll(/cid:([^"]+)"/g)].map(([, cid]) => `<${cid}>`);
    const parts = attachments.map(({ contentId, filename, mimeType, disposition, content: bytes }) => {
      if (contentId === undefined)
        return { filename, mimeType, disposition, bytes: Buffer.from(bytes as ArrayBuffer) };
      expect(named).toContain(contentId);
      return Buffer.from(bytes as ArrayBuffer);
    });
    expect(parts).toHaveLength(named.length + 1);
    return parts;
  };
  const pdf = {
    filename: 'Preise für 2026.pdf',
    mimeType: 'application/pdf',
    disposition: 'attachment',
    bytes: prices,
  };
  expect(new Set(await carried('en'))).toEqual(new Set([png, jpeg, pdf]));
  expect(await carried('de')).toEqual([png, pdf]);
  expect(await carried('fr')).toEqual([pdf]);
});
