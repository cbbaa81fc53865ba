import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { feedback, server } from '../../src/db/schema.ts';
import { createInstallation, type Installation } from '../support/installation.ts';

const hourMs = 3_600_000;

describe('exm server ls', () => {
  let installation: Installation;
  beforeAll(async () => {
    installation = await createInstallation();
    const ago = (hours: number) => new Date(Date.now() - hours * hourMs);
    const row = {
      role: 'dedicated-dispatch',
      host: 'one',
      pid: 2,
      pool: 'default',
      threads: 10,
      sleepMs: 50,
    };
    await installation.database.db.insert(server).values([
      { ...row, name: 'killed', seenAt: new Date('2020-02-02T02:02:02Z') },
      { ...row, name: 'stopped', seenAt: ago(1), stoppingAt: ago(1), stoppedAt: ago(1) },
      { ...row, name: 'stopped-long-ago', seenAt: ago(200), stoppingAt: ago(200), stoppedAt: ago(200) },
      { ...row, name: 'draining', seenAt: ago(-1), stoppingAt: ago(0.1) },
      { ...row, name: 'sending', seenAt: ago(-1) },
    ]);
  });
  afterAll(async () => await installation.dispose());

  test('tells a planned stop from a death, and leaves out what is long over', async () => {
    const listed = await installation.exm(['server', 'ls', '--json']);
    expect(listed.code).toBe(0);
    const states = listed.json().servers.map((row: { name: string; state: string }) => [row.name, row.state]);
    expect(states).toEqual([
      ['draining', 'stopping'],
      ['sending', 'alive'],
      ['stopped', 'stopped'],
    ]);
    expect(listed.stderr).toBe('2 more stopped or died over 7 days ago: exm server ls --all\n');
  });

  test('says what came back and waits for a person, as the reports do', async () => {
    const { db } = installation.database;
    const message = { source: 'smtp', state: 'unclear' } as const;
    await db.insert(feedback).values([{ ...message, hash: Buffer.from('a') }]);
    const one = await installation.exm(['server', 'ls']);
    expect(one.stderr).toContain(
      '1 message that came back was not understood and waits for a person: exm feedback ls --unclear',
    );
    await db.insert(feedback).values([{ ...message, hash: Buffer.from('b') }]);
    expect((await installation.exm(['server', 'ls', '--json'])).json()).toMatchObject({ unclearFeedback: 2 });
    expect((await installation.exm(['server', 'ls'])).stderr).toContain('2 messages that came back were not');
    await db.delete(feedback);
  });

  test('--all has them all, and says since when one is dead', async () => {
    const { stdout, stderr } = await installation.exm(['server', 'ls', '--all']);
    expect(stdout).toMatch(/^killed .* dead since 2020-02-02 02:02 /m);
    expect(stdout).toMatch(/^stopped-long-ago .* stopped \d{4}-\d\d-\d\d \d\d:\d\d /m);
    expect(stderr).toBe('');
  });
});
