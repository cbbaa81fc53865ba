import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InputError } from '../../../src/domain/errors.ts';
import { readCampaignFile } from '../../../src/message/definition/campaign-file.ts';
import { type Folder, temporaryFolder } from '../fixtures.ts';

const campaign = `name: Autumn
from: "News <news@example.com>"
subject: Hello
template: en.html
text: en.txt
include: [customers]
bodies:
  DE: {subject: Hallo}
`;

let folder: Folder;
beforeAll(() => {
  folder = temporaryFolder();
  for (const name of ['en', 'other', 'de']) folder.write(`${name}.html`, `<p>${name}</p>`);
  folder.write('en.txt', 'en');
  folder.write('other.txt', 'other');
});
afterAll(() => folder.remove());

async function read(test: string, before = campaign) {
  return await readCampaignFile(folder.write('campaign.yaml', `${before}test:\n${test}`));
}

async function problemOf(test: string): Promise<string> {
  const error = await read(test).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(InputError);
  return (error as InputError).message.replace(`${folder.path}/`, '');
}

const share = '  share: 20%\n';
const winner = '  winner: {by: hand}\n';

describe('the A/B test of a campaign file', () => {
  test('has variants that take over from the campaign what they leave out', async () => {
    const { definition } = await read(`  share: 12.5%
  winner: {by: open-rate, after: 4h}
  variants:
    - subject: Hi
    - {from: "Ada <ada@example.com>", template: other.html, bodies: {de: {text: other.txt}}}
    - {template: other.html, text: other.txt, bodies: {de: {subject: Servus, template: de.html}}}
`);
    const of = (bodies: typeof definition.bodies | undefined) =>
      Object.entries(bodies ?? {}).map(([language, { subject, template, textFile }]) => [
        language,
        subject,
        template.file,
        textFile,
      ]);
    expect(definition.test?.share).toBe(12.5);
    expect(definition.test?.winner).toEqual({ by: 'open-rate', afterMs: 4 * 3_600_000 });
    expect(of(definition.bodies)).toEqual([
      ['en', 'Hello', 'en.html', 'en.txt'],
      ['de', 'Hallo', 'en.html', 'en.txt'],
    ]);
    expect(definition.test?.variants.map(({ from }) => from?.address)).toEqual([
      undefined,
      'ada@example.com',
      undefined,
    ]);
    expect(definition.test?.variants.map(({ bodies }) => of(bodies))).toEqual([
      // A subject in English says nothing about the German one.
      [
        ['en', 'Hi', 'en.html', 'en.txt'],
        ['de', 'Hallo', 'en.html', 'en.txt'],
      ],
      // A text part never stands under another template.
      [
        ['en', 'Hello', 'other.html', undefined],
        ['de', 'Hallo', 'other.html', 'other.txt'],
      ],
      [
        ['en', 'Hello', 'other.html', 'other.txt'],
        ['de', 'Servus', 'de.html', undefined],
      ],
    ]);
  });

  test("replaces with a variant's own keys also a body that stands under the default language", async () => {
    const before = campaign.replace('DE: {subject: Hallo}', 'en: {subject: Hello}');
    const { definition } = await read(`${share}${winner}  variants: [{subject: Hi}]\n`, before);
    expect(definition.test?.variants[0]?.bodies.en?.subject).toBe('Hi');
  });

  test('is located part by part, also what a variant took over', async () => {
    const { locate } = await read(`${share}${winner}  variants: [{subject: Hi}]\n`);
    const place = (...path: (string | number)[]) => locate(path).replace(`${folder.path}/`, '');
    const variant = ['test', 'variants', 0, 'bodies'] as const;
    expect(place(...variant, 'en', 'subject')).toBe('campaign.yaml:12:24');
    expect(place(...variant, 'de', 'subject')).toBe('campaign.yaml:8:17');
    expect(place('bodies', 'de', 'template')).toBe('campaign.yaml:4:11');
  });

  test('needs no winner where it goes to everybody', async () => {
    const variants = '  variants: [{subject: Hi}]\n';
    const { definition } = await read(`  share: 100%\n${variants}`);
    expect(definition.test?.winner).toEqual({ by: 'hand' });
    expect(await problemOf(`${share}${variants}`)).toBe('campaign.yaml:10:3: test.winner is missing.');
  });

  test.each([
    ['  variants: [{subject: Hi}]\n  winner: {by: hand}\n', 'campaign.yaml:10:3: test.share is missing.'],
    [
      `  share: 20\n${winner}  variants: [{subject: Hi}]\n`,
      'campaign.yaml:10:10: test.share must be a percentage such as 20%; it is 20.',
    ],
    [
      `  share: 0%\n${winner}  variants: [{subject: Hi}]\n`,
      'campaign.yaml:10:10: test.share must be above 0% and at most 100%; it is "0%".',
    ],
    [`${share}${winner}  variants: []\n`, 'test.variants must have at least one variant'],
    [
      `${share}${winner}  variants: [{subject: b}, {subject: c}, {subject: d}, {subject: e}, {subject: f}]\n`,
      'at most 4 variants',
    ],
    [
      `${share}${winner}  variants: [{subjct: Hi}]\n`,
      'campaign.yaml:12:15: "subjct" is not a key of "test.variants[0]". Did you mean "subject"?',
    ],
    [
      `${share}  winner: {by: opens, after: 1h}\n  variants: [{subject: Hi}]\n`,
      'campaign.yaml:11:16: test.winner.by must be open-rate, click-rate, value-per-visit or hand; it is "opens".',
    ],
    [
      `${share}  winner: {by: open-rate}\n  variants: [{subject: Hi}]\n`,
      'campaign.yaml:11:11: test.winner must say when the winner is chosen, such as {by: open-rate, after: 4h}',
    ],
    [
      `${share}  winner: {by: open-rate, after: 4 hours}\n  variants: [{subject: Hi}]\n`,
      'campaign.yaml:11:34: test.winner.after must be a time such as 30m, 4h or 2d; it is "4 hours".',
    ],
    [
      `${share}  winner: {by: open-rate, after: 31d}\n  variants: [{subject: Hi}]\n`,
      'campaign.yaml:11:34: test.winner.after must be from 1s to 30d; it is "31d".',
    ],
    [
      `${share}  winner: {by: hand, after: 1h}\n  variants: [{subject: Hi}]\n`,
      'campaign.yaml:11:11: test.winner must not have "after" where the winner is chosen by hand; it is',
    ],
    [
      `${share}${winner}  variants: [{subject: Hi}, {subject: Hello}]\n`,
      'campaign.yaml:12:29: test.variants[1] is variant C and must differ from variant A in from, subject, template or text.',
    ],
    [
      `${share}${winner}  variants: [{bodies: {fr: {subject: Salut}}}]\n`,
      'campaign.yaml:12:24: test.variants[0].bodies must have languages of the campaign itself (en, de), for the test is the same in each; it is "fr".',
    ],
    [
      `${share}${winner}  variants: [{template: none.html}]\n`,
      'campaign.yaml:12:25: test.variants[0].template',
    ],
  ])('is refused with its place where it is wrong: %j', async (yaml, message) => {
    expect(await problemOf(yaml)).toContain(message);
  });
});
