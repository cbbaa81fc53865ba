import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InputError } from '../../../src/domain/errors.ts';
import { fileHash } from '../../../src/message/content-files.ts';
import { readCampaignFile } from '../../../src/message/definition/campaign-file.ts';
import { checkFiles, fileReference } from '../../../src/message/definition/campaign-files.ts';
import { definition, type Folder, temporaryFolder } from '../fixtures.ts';
import { gif, jpeg, png, svg, webp } from '../images.ts';

const campaign = (template: string, more = '') => `name: Autumn
from: "News <news@example.com>"
subject: Hello
template: ${template}
include: [customers]
${more}`;
const prices = Buffer.from('%PDF-1.7 prices');

let folder: Folder;
beforeAll(() => {
  folder = temporaryFolder();
  for (const name of ['images', 'de', 'de/images']) mkdirSync(join(folder.path, name));
  folder.write('images/logo.png', png);
  folder.write('images/my photo.jpg', jpeg);
  folder.write('images/dot.gif', gif);
  folder.write('images/new.webp', webp);
  folder.write('de/images/logo.png', gif);
  folder.write('vector.svg', svg);
  folder.write('not-really.png', 'just text');
  folder.write('prices.pdf', prices);
  folder.write('empty.pdf', '');
  folder.write('run.exe', 'MZ');
  folder.write('large.bin', Buffer.alloc(4_000_000, 1));
  folder.write('too-large.bin', Buffer.alloc(7_340_033, 1));
  folder.write('plain.html', '<p>Hello</p>');
  execFileSync('mkfifo', [join(folder.path, 'pipe')]);
});
afterAll(() => folder.remove());

const read = async (yaml: string) => await readCampaignFile(folder.write('campaign.yaml', yaml));
const readWith = async (html: string) => {
  folder.write('own.html', html);
  return await read(campaign('own.html'));
};

describe('The files of a campaign file', () => {
  test('are attachments, under the name that recipients see', async () => {
    const { definition, files } = await read(
      campaign(
        'plain.html',
        'attachments: [prices.pdf, {file: prices.pdf, name: "Preise 2026.pdf"}]\nembedImages: true',
      ),
    );
    const reference = { hash: fileHash(prices), type: 'application/pdf', size: prices.length };
    expect(definition.attachments).toEqual([
      { ...reference, name: 'prices.pdf' },
      { ...reference, name: 'Preise 2026.pdf' },
    ]);
    expect(definition.embedImages).toBe(true);
    expect(definition.images).toBeUndefined();
    expect(files).toEqual([prices, prices]);
  });

  test('are the images that a template names by a path: of elements, backgrounds, styles and candidates', async () => {
    const { definition, files } = await readWith(`<style>.a { background: url(images/new.webp) }</style>
      <table background="images/dot.gif"><tr><td style="background:url(&quot;images/my photo.jpg&quot;) no-repeat">
      <!--[if mso]><v:fill type="frame" src="./images/logo.png" /><![endif]-->
      <IMG alt="src=nothing.png" SRC='images/my%20photo.jpg' srcset="images/logo.png 1x, images/dot.gif 2x">
      <img src="https://example.com/a.png"><img src="//example.com/b.png"><img src="data:image/gif;base64,R0lG">
      <img src="{{ contact.photo }}"><img src="cid:own@example.com"><a href="https://example.com/x.png">x</a>`);
    expect(Object.keys(definition.images ?? {}).sort()).toEqual([
      'images/dot.gif',
      'images/logo.png',
      'images/my photo.jpg',
      'images/new.webp',
    ]);
    expect(definition.images?.['images/my photo.jpg']).toEqual({
      hash: fileHash(jpeg),
      name: 'my photo.jpg',
      type: 'image/jpeg',
      size: jpeg.length,
    });
    expect(new Set(files)).toEqual(new Set([png, jpeg, gif, webp]));
  });

  test('are those of MJML, and each template names them from its own folder', async () => {
    folder.write(
      'mail.mjml',
      '<mjml><mj-body><mj-section background-url="images/dot.gif"><mj-column><mj-image src="images/logo.png" /></mj-column></mj-section></mj-body></mjml>',
    );
    folder.write(
      'de/mail.mjml',
      '<mjml><mj-body><mj-section><mj-column><mj-image src="images/logo.png" /><mj-image src="../images/new.webp" /></mj-column></mj-section></mj-body></mjml>',
    );
    const { definition } = await read(campaign('mail.mjml', 'bodies: {de: {template: de/mail.mjml}}'));
    expect(
      Object.fromEntries(Object.entries(definition.images ?? {}).map(([path, { type }]) => [path, type])),
    ).toEqual({
      'images/logo.png': 'image/png',
      'images/dot.gif': 'image/gif',
      'images/new.webp': 'image/webp',
      'de/images/logo.png': 'image/gif',
    });
  });

  const attached = (list: string) => () => read(campaign('plain.html', `attachments: ${list}`));
  const shown = (html: string) => () => readWith(html);
  const wrong: [what: string, load: () => Promise<unknown>, code: string, message: RegExp][] = [
    [
      'an attachment that does not exist',
      attached('[gone.pdf]'),
      'ATTACHMENT_FILE',
      /campaign\.yaml:6:15: attachments\[0\]: the file gone\.pdf does not exist/,
    ],
    [
      'a folder as attachment',
      attached('[images]'),
      'ATTACHMENT_FILE',
      /the file images is not a regular file/,
    ],
    ['a pipe as attachment', attached('[pipe]'), 'ATTACHMENT_FILE', /the file pipe is not a regular file/],
    [
      'a device as attachment',
      attached('[/dev/zero]'),
      'ATTACHMENT_FILE',
      /the file \/dev\/zero is not a regular file/,
    ],
    [
      'an attachment that is too large by itself',
      attached('[too-large.bin]'),
      'ATTACHMENT_FILE',
      /more than the 7340032 bytes/,
    ],
    [
      'attachments that are too large together',
      attached('[prices.pdf, large.bin, {file: large.bin, name: again.bin}]'),
      'FILES_TOO_LARGE',
      /campaign\.yaml:6:14: .* have 8000015 bytes together, and 7340032 are allowed: large\.bin 4000000, again\.bin 4000000, prices\.pdf 15/,
    ],
    [
      'more than 20 attachments',
      attached(`[${Array(21).fill('prices.pdf').join(', ')}]`),
      'CAMPAIGN_VALUE',
      /attachments must have at most 20 files/,
    ],
    [
      'something else than a list',
      attached('prices.pdf'),
      'CAMPAIGN_VALUE',
      /campaign\.yaml:6:14: attachments must be a list of files/,
    ],
    [
      'an attachment that is no path',
      attached('[{name: x.pdf}]'),
      'CAMPAIGN_VALUE',
      /attachments\[0\] must be a path, or \{file/,
    ],
    [
      'a name with folders',
      attached('[{file: prices.pdf, name: ../prices.pdf}]'),
      'CAMPAIGN_VALUE',
      /attachments\[0\]/,
    ],
    [
      'embedImages that is no choice',
      () => read(campaign('plain.html', 'embedImages: maybe')),
      'CAMPAIGN_VALUE',
      /embedImages must be true or false; it is "maybe"/,
    ],
    [
      'an image that does not exist',
      shown('<p>\n{% comment %}\n{% endcomment %}</p>\n<img src="images/gone.png">'),
      'IMAGE_FILE',
      /^own\.html:4:11: the file images\/gone\.png does not exist/,
    ],
    [
      'an image in no format that is shown',
      shown('<img src="not-really.png">'),
      'IMAGE_FILE',
      /own\.html:1:11: the image "not-really\.png" is no PNG, JPEG, GIF or WebP/,
    ],
    [
      'an SVG',
      shown('<img src="vector.svg">'),
      'IMAGE_FILE',
      /"vector\.svg" is an SVG, which Gmail and Outlook do not show/,
    ],
    [
      'an image from the root of a web server',
      shown('<img src="/images/logo.png">'),
      'IMAGE_FILE',
      /"\/images\/logo\.png" is neither a whole web address nor a path/,
    ],
    [
      'Liquid in the path of an image',
      shown('<img src="images/{{ campaign.season }}.png">'),
      'IMAGE_FILE',
      /"images\/\{\{ campaign\.season \}\}\.png" has Liquid in its path/,
    ],
    [
      'a pipe as image',
      shown('<img src="pipe">'),
      'IMAGE_FILE',
      /own\.html:1:11: the file pipe is not a regular file/,
    ],
    [
      'an image that is too large',
      shown('<img src="too-large.bin">'),
      'IMAGE_FILE',
      /more than the 7340032 bytes/,
    ],
  ];
  test.each(wrong)('are refused, as %s', async (_what, load, code, message) => {
    const error = await load().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(InputError);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect((error as InputError).hint).toBeTruthy();
  });

  test('leave it to the check of all bodies to say what is wrong with a template itself', async () => {
    const { definition } = await readWith('<img src="images/logo.png">{{ never closed');
    expect(definition.images).toBeUndefined();
  });
});

describe('A definition', () => {
  const attachment = (name: string, bytes = prices) => ({ attachments: [fileReference(name, bytes)] });
  const wrong: [what: string, change: Parameters<typeof definition>[0], code: string, message: RegExp][] = [
    [
      'a program to run',
      attachment('Setup.EXE'),
      'ATTACHMENT_FILE',
      /"Setup\.EXE" is a \.exe file, and mail providers refuse/,
    ],
    [
      'a script with spaces and dots behind its name',
      attachment('invoice.pdf.js. .'),
      'ATTACHMENT_FILE',
      /a \.js file/,
    ],
    [
      'a name that turns the direction of writing',
      attachment('fdp.exe\u202e.pdf'),
      'ATTACHMENT_FILE',
      /control characters/,
    ],
    ['a name of two lines', attachment('a\r\nb.pdf'), 'ATTACHMENT_FILE', /control characters/],
    ['an empty file', attachment('empty.pdf', Buffer.alloc(0)), 'ATTACHMENT_FILE', /"empty\.pdf" is empty/],
    [
      'a name twice',
      { attachments: [fileReference('a.pdf', prices), fileReference('a.pdf', png)] },
      'ATTACHMENT_FILE',
      /attachments\[1\]: .*the name of another/,
    ],
    [
      'an image that is none',
      { images: { 'a.svg': fileReference('a.svg', svg) } },
      'IMAGE_FILE',
      /a\.svg: .* an SVG/,
    ],
  ];
  test.each(wrong)('has no file that is %s', (_what, change, code, message) => {
    expect(() => checkFiles(definition(change))).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });

  test('has types by the bytes of images, and by the names of all else', () => {
    const types = (names: string[], bytes = prices) => names.map((name) => fileReference(name, bytes).type);
    expect(types(['a.PDF', 'b.xlsx', 'c.ics', 'd', 'e.unknown'])).toEqual([
      'application/pdf',
      'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
      'text/calendar',
      'application/octet-stream',
      'application/octet-stream',
    ]);
    expect([png, gif, jpeg, webp].map((bytes) => fileReference('logo.png', bytes).type)).toEqual([
      'image/png',
      'image/gif',
      'image/jpeg',
      'image/webp',
    ]);
  });
});
