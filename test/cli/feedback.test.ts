import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { feedback } from '../../src/db/schema.ts';
import { createInstallation, type Installation } from '../support/installation.ts';

let installation: Installation;
beforeAll(async () => {
  installation = await createInstallation();
  const { db } = installation.database;
  const raw = Buffer.from('Subject: \u001b[31mred\r\n\r\nGr\u00fc\u00dfe\r\n');
  await db.insert(feedback).values({
    source: 'smtp',
    hash: Buffer.from([1]),
    envelopeFrom: 'ann@example.org',
    raw,
    state: 'unclear',
    verdict: 'no report of a form that is known',
  });
});
afterAll(async () => await installation.dispose());

const exm = (...args: string[]) => installation.exm(['feedback', ...args]);

describe('exm feedback', () => {
  it('lists what is unclear, shows it without moving the cursor, and puts it aside', async () => {
    const listed = await exm('ls', '--unclear');
    expect(listed.stdout).toMatch(/id +came \(UTC\) +by +state +what/);
    expect(listed.stdout).toContain('no report of a form that is known');
    const shown = await exm('show', '1');
    expect(shown.stdout).toContain('ann@example.org');
    expect(shown.stdout).toContain('Grüße');
    expect(shown.stdout).not.toContain('\u001b');
    expect((await exm('show', '1', '--json')).json()).toMatchObject({ id: 1, state: 'unclear' });
    expect((await exm('retry')).stderr).toContain('FEEDBACK_WHICH');
    expect((await exm('dismiss', '1', '--json')).json()).toEqual({ id: 1, state: 'dismissed' });
    const applied = await exm('apply', '1', '--as', 'hard', '--contact', 'ann@example.org');
    expect(applied).toMatchObject({ code: 3 });
    expect(applied.stderr).toContain('FEEDBACK_DECIDED');
  });
});
