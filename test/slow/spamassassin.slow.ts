import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { MessageComposer } from '../../src/message/compose.ts';
import { readCampaignFile } from '../../src/message/definition/campaign-file.ts';
import { freezeContent } from '../../src/message/freeze/freeze-content.ts';
import { packagePath } from '../../src/package-path.ts';
import { keys, recipient } from '../message/fixtures.ts';
import { openMailPath } from '../support/received-mail.ts';

const missing = spawnSync('spamassassin', ['--version']).error && 'spamassassin is not installed';
const home = mkdtempSync(join(tmpdir(), 'exm-spamassassin-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

/**
 * Rules that are about where a test takes place, not about the message: no mail server of ours stands in a Received
 * field, and the domains are those reserved for examples.
 */
const aboutTheTest = new Set(['NO_RECEIVED', 'NO_RELAYS', 'ALL_TRUSTED']);

interface Hit {
  readonly rule: string;
  readonly score: number;
}

/** The rules that a message meets, by SpamAssassin's local tests alone. */
async function rulesMet(raw: Buffer): Promise<Hit[]> {
  const report = await new Promise<string>((resolve, reject) => {
    const program = execFile(
      'spamassassin',
      [
        '-L',
        '-t',
        '--prefspath=/dev/null',
        `--cf=bayes_path ${home}/bayes`,
        '--cf=use_bayes 0',
        '--cf=use_auto_whitelist 0',
      ],
      { env: { PATH: process.env['PATH'], HOME: home, LC_ALL: 'C' }, maxBuffer: 64 * 1_024 * 1_024 },
      (error, stdout) => (error ? reject(error) : resolve(stdout)),
    );
    program.stdin?.end(raw);
  });
  const status = /^X-Spam-Status:(.*(?:\r?\n[ \t].*)*)/m.exec(report)?.[1] ?? '';
  expect(status, 'SpamAssassin has judged it').toMatch(/tests=/);
  return [...report.matchAll(/^ *(-?\d+\.\d+) (\w+) /gm)].map(([, score, rule]) => ({
    rule: rule ?? '',
    score: Number(score),
  }));
}

describe.skipIf(missing !== undefined)(
  `the newsletter that ships${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  async () => {
    const { definition } = await readCampaignFile(packagePath('demo/newsletter/campaign.yaml'));
    const { content } = await freezeContent(definition, {
      campaignId: 'october-letter-7k3f',
      baseUrl: 'https://mail.example.com',
      unsubscribeAddress: 'unsubscribe@example.com',
    });

    test.each(Object.keys(definition.bodies))(
      'is no spam to SpamAssassin in its language %s: it meets no rule that counts',
      async (language) => {
        const path = await openMailPath();
        try {
          const composer = new MessageComposer(content, keys);
          const grace = recipient({
            email: 'grace@example.org',
            firstName: 'Grace',
            lastName: 'Hopper',
            language,
          });
          const { raw } = await path.send(await composer.compose(grace, 7, 0, language));
          const bad = (await rulesMet(raw)).filter(({ rule, score }) => score > 0 && !aboutTheTest.has(rule));
          expect(bad).toEqual([]);
        } finally {
          await path.close();
        }
      },
    );
  },
);
