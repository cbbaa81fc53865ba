import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InputError } from '../../../src/domain/errors.ts';
import { readCampaignFile } from '../../../src/message/definition/campaign-file.ts';
import { type Folder, temporaryFolder } from '../fixtures.ts';

const smallest = `name: Autumn
from: "News <news@example.com>"
subject: "Hello {{ contact.firstName }}"
template: autumn.mjml        # .mjml or .html, Liquid tokens inside
include: [customers]
exclude: []
`;

let folder: Folder;
beforeAll(() => {
  folder = temporaryFolder();
  folder.write('autumn.mjml', '<mjml><mj-body></mj-body></mjml>\r\n');
  folder.write('de.html', '<p>Hallo</p>');
  folder.write('de.txt', 'Hallo');
  folder.write('en.txt', 'Hello');
});
afterAll(() => folder.remove());

async function read(yaml: string) {
  return await readCampaignFile(folder.write('campaign.yaml', yaml));
}

async function problemOf(yaml: string): Promise<InputError> {
  const error = await read(yaml).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(InputError);
  return error as InputError;
}

describe('a campaign file', () => {
  test('may be as small as the one in the README', async () => {
    const { definition } = await read(smallest);
    expect(definition).toEqual({
      name: 'Autumn',
      from: { name: 'News', address: 'news@example.com' },
      defaultLanguage: 'en',
      bodies: {
        en: {
          subject: 'Hello {{ contact.firstName }}',
          template: { format: 'mjml', file: 'autumn.mjml', source: '<mjml><mj-body></mj-body></mjml>\n' },
        },
      },
      include: ['customers'],
      exclude: [],
      values: {},
      pool: 'default',
      testTo: [],
      goals: [],
      notify: {},
    });
  });

  test('may say everything there is to say', async () => {
    const { definition } = await read(`${smallest}
replyTo: office@example.com
language: EN
text: en.txt
values: {season: autumn, year: 2026, open: true}
pool: fast-lane
testTo: [qa@example.com]
goals:
  - {name: order, url: "https://example.com/thanks", value: 10}
notify: {mail: ops@example.com, webhook: "https://example.com/hook"}
emulation: {delayMs: [20, 80], failureProbability: 0.1}
fallback: {CA: [fr, de-AT], gsw: DE}
bodies:
  de-AT: {subject: Servus, template: de.html, text: de.txt}
  fr: {subject: Bonjour}
`);
    expect(definition.replyTo).toEqual({ name: '', address: 'office@example.com' });
    expect(definition.values).toEqual({ season: 'autumn', year: '2026', open: 'true' });
    expect(definition.emulation).toEqual({ minimumMs: 20, maximumMs: 80, failureProbability: 0.1 });
    expect(definition.fallback).toEqual({ ca: ['fr', 'de-at'], gsw: ['de'] });
    expect(definition.goals).toEqual([{ name: 'order', url: 'https://example.com/thanks', value: 10 }]);
    expect(Object.keys(definition.bodies).sort()).toEqual(['de-at', 'en', 'fr']);
    expect(definition.bodies['de-at']?.text).toBe('Hallo');
    expect(definition.bodies['fr']).toMatchObject({ subject: 'Bonjour', text: 'Hello' });
  });

  test('gives a body with its own template no text of another language', async () => {
    const { definition } = await read(
      `${smallest}text: en.txt\nbodies:\n  de: {subject: Hallo, template: de.html}\n`,
    );
    expect(definition.bodies['en']?.text).toBe('Hello');
    expect(definition.bodies['de']?.text).toBeUndefined();
  });

  test('may have its bodies by language only, with the default language among them', async () => {
    const yaml = 'name: A\nfrom: a@example.com\ninclude: [x]\nlanguage: de\nbodies:\n';
    const { definition } = await read(`${yaml}  de: {subject: Hallo, template: de.html}\n`);
    expect(Object.keys(definition.bodies)).toEqual(['de']);
    const missing = await problemOf(`${yaml}  fr: {subject: Salut, template: de.html}\n`);
    expect(missing.message).toContain('subject is missing');
  });

  test('takes Norwegian, which YAML 1.1 read as false, for a language', async () => {
    const { definition } = await read(`${smallest}bodies:\n  no: {subject: Hei}\n`);
    expect(definition.bodies['no']?.subject).toBe('Hei');
  });
});

describe('a mistake in a campaign file is told with its place', () => {
  const file = () => join(folder.path, 'campaign.yaml');
  const cases: readonly [what: string, yaml: string, at: string, message: RegExp, code: string][] = [
    [
      'an unknown key',
      smallest.replace('subject:', 'subjct:'),
      '3:1',
      /"subjct" is not a key.*Did you mean "subject"/,
      'CAMPAIGN_KEY',
    ],
    [
      'an unknown key inside',
      `${smallest}bodies:\n  de: {subjekt: x}\n`,
      '8:8',
      /"subjekt" is not a key of "bodies\.de".*"subject"/,
      'CAMPAIGN_KEY',
    ],
    [
      'a wrong type',
      smallest.replace('[customers]', 'customers'),
      '5:10',
      /include must be a list of list names.*"customers"/,
      'CAMPAIGN_VALUE',
    ],
    [
      'a wrong mailbox',
      smallest.replace('news@example.com', 'news at example'),
      '2:7',
      /from must be a mailbox such as/,
      'CAMPAIGN_VALUE',
    ],
    [
      'an empty audience',
      smallest.replace('[customers]', '[]'),
      '5:10',
      /include must name at least one list/,
      'CAMPAIGN_VALUE',
    ],
    ['a missing key', smallest.replace(/^name.*\n/, ''), '1:1', /name is missing/, 'CAMPAIGN_VALUE'],
    [
      'a missing subject',
      smallest.replace(/^subject.*\n/m, ''),
      '1:1',
      /subject is missing/,
      'CAMPAIGN_VALUE',
    ],
    [
      'a template that is not there',
      smallest.replace('autumn.mjml', 'winter.mjml'),
      '4:11',
      /template: the file winter\.mjml does not exist/,
      'TEMPLATE_FILE',
    ],
    [
      'a template of another kind',
      smallest.replace('autumn.mjml', 'autumn.docx'),
      '4:11',
      /template must be the path of an \.mjml or \.html file; it is "autumn\.docx"/,
      'CAMPAIGN_VALUE',
    ],
    [
      'a missing template of a language',
      `${smallest}bodies:\n  de:\n    template: nix.html\n`,
      '9:15',
      /bodies\.de\.template: the file nix\.html/,
      'TEMPLATE_FILE',
    ],
    [
      'a name of no language',
      `${smallest}bodies:\n  german1: {subject: x}\n`,
      '8:3',
      /bodies must have languages such as de as keys; it is "german1"/,
      'CAMPAIGN_VALUE',
    ],
    [
      'no language to fall back on',
      `${smallest}fallback:\n  ca: []\n`,
      '8:7',
      /fallback\.ca must name at least one language/,
      'CAMPAIGN_VALUE',
    ],
    [
      'a fallback for what is no language',
      `${smallest}fallback:\n  catalan: [es]\n`,
      '8:3',
      /fallback must have languages such as de as keys; it is "catalan"/,
      'CAMPAIGN_VALUE',
    ],
    [
      'a fallback twice',
      `${smallest}fallback: {ca: es, CA: fr}\n`,
      '7:20',
      /fallback must have each language once/,
      'CAMPAIGN_VALUE',
    ],
    [
      'a line break in a subject',
      smallest.replace(/^subject.*$/m, 'subject: "a\\nBcc: x@y"'),
      '3:10',
      /subject must be one line/,
      'CAMPAIGN_VALUE',
    ],
    [
      'a subject that no header holds',
      smallest.replace(/^subject.*$/m, `subject: "${'ä'.repeat(600)}"`),
      '3:10',
      /at most 998 bytes/,
      'CAMPAIGN_VALUE',
    ],
    [
      'a probability above one',
      `${smallest}emulation: {failureProbability: 2}\n`,
      '7:33',
      /emulation\.failureProbability must be a number from 0 to 1; it is 2/,
      'CAMPAIGN_VALUE',
    ],
    [
      'delays the wrong way round',
      `${smallest}emulation: {delayMs: [80, 20]}\n`,
      '7:12',
      /shortest delay/,
      'CAMPAIGN_VALUE',
    ],
    [
      'two goals of one name',
      `${smallest}goals: [{name: a, url: "https://x.example"}, {name: a, url: "https://y.example"}]\n`,
      '7:8',
      /different names/,
      'CAMPAIGN_VALUE',
    ],
    [
      'a second key of the same name',
      `${smallest}name: Again\n`,
      '7:1',
      /not valid YAML: Map keys must be unique/,
      'CAMPAIGN_SYNTAX',
    ],
    [
      'replyTo that no header can hold',
      `${smallest}replyTo: "Büro <büro@example.com>"\n`,
      '7:10',
      /replyTo must be ASCII before its @/,
      'CAMPAIGN_VALUE',
    ],
    ['wrong YAML', 'name: "Autumn\nfrom: x\n', '3:1', /not valid YAML/, 'CAMPAIGN_SYNTAX'],
    ['a list instead of keys', '- a\n', '1:1', /the file must be keys and values/, 'CAMPAIGN_VALUE'],
    ['nothing', '', '1:1', /the file must be keys and values/, 'CAMPAIGN_VALUE'],
    [
      'a control character',
      smallest.replace('name: Autumn', 'name: "a\\u0000b"'),
      '1:7',
      /name must be one line/,
      'CAMPAIGN_VALUE',
    ],
  ];
  test.each(cases)('%s', async (_what, yaml, at, message, code) => {
    const problem = await problemOf(yaml);
    expect(problem.message.startsWith(`${file()}:${at}: `), problem.message).toBe(true);
    expect(problem.message).toMatch(message);
    expect(problem.code).toBe(code);
    expect(problem.field).toContain(`${file()}:${at}`);
    expect(problem.hint).toBeTruthy();
  });

  test('a file that is not there, a folder, a pipe, binary data and too much', async () => {
    await expect(readCampaignFile(join(folder.path, 'none.yaml'))).rejects.toMatchObject({
      code: 'CAMPAIGN_FILE',
      message: `The file ${join(folder.path, 'none.yaml')} does not exist.`,
      hint: expect.stringContaining('relative to the current directory'),
    });
    await expect(readCampaignFile(folder.path)).rejects.toThrow(/is not a regular file/);
    const pipe = join(folder.path, 'pipe');
    execFileSync('mkfifo', [pipe]);
    await expect(readCampaignFile(pipe)).rejects.toThrow(/is not a regular file/);
    await expect(
      readCampaignFile(folder.write('latin.yaml', Buffer.from('name: \xe4', 'latin1'))),
    ).rejects.toThrow(/not UTF-8/);
    await expect(readCampaignFile(folder.write('nul.yaml', 'name: a\0b'))).rejects.toThrow(/NUL/);
    await expect(readCampaignFile(folder.write('big.yaml', '#'.repeat(300_000)))).rejects.toThrow(
      /more than the 262144 bytes/,
    );
  });

  test('a file of aliases of aliases is refused without unfolding it', async () => {
    const levels = Array.from({ length: 9 }, (_, at) => `l${at + 1}: &l${at + 1} [${`*l${at},`.repeat(9)}]`);
    const problem = await problemOf(`l0: &l0 [x]\n${levels.join('\n')}\n`);
    expect(problem.message).toMatch(/not valid YAML/);
  });
});
