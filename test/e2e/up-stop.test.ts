import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { processIdentity } from '../../src/local/process-identity.ts';
import { type SmtpReceiver, startSmtpReceiver } from '../support/smtp-receiver.ts';
import { startCampaignOn } from '../support/up-campaign.ts';
import { endAll, exmIn, startUp } from '../support/up-process.ts';
import { waitFor } from '../support/wait-for.ts';

let dir: string;
let receiver: SmtpReceiver;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'exm-up-'));
  receiver = await startSmtpReceiver();
});
afterEach(async () => {
  await endAll(dir);
  await receiver.close();
  rmSync(dir, { recursive: true, force: true });
});

const sayings = (output: string) => output.split('\n').filter((line) => line.startsWith('Still waiting'));

describe('exm up that is told to stop while a mail server keeps a dispatcher waiting', () => {
  const start = async () => {
    const up = await startUp(dir, ['--dispatchers', '1'], { EXM_SMTP_URL: receiver.url });
    receiver.hold();
    const id = await startCampaignOn(up, dir, 3);
    await waitFor(() => receiver.held > 0);
    return { up, id };
  };

  it('says whom it waits for, waits until the answer is recorded, and nobody is repeated', async () => {
    const { up, id } = await start();
    const ended = up.end('SIGINT');
    // As npm does, which passes on what the terminal has sent already.
    up.process.kill('SIGINT');
    // The others end by themselves, be it that they are named once on a slow machine.
    const alone =
      "Still waiting for dispatch-1 to finish what is begun; Ctrl-C once more doesn't wait any longer";
    await waitFor(() => sayings(up.output()).filter((line) => line === alone).length >= 2, {
      describe: up.output,
    });
    for (const line of sayings(up.output())) expect(line).toContain('dispatch-1');
    expect(up.output()).not.toContain('Not waiting');
    receiver.release();
    expect(await ended).toBe(0);
    const again = await startUp(dir, ['--dispatchers', '1'], { EXM_SMTP_URL: receiver.url });
    const watched = await exmIn(dir, ['campaign', 'watch', id, '--json']);
    expect(watched.json()).toMatchObject({ state: 'Sent', totals: { sent: 3 } });
    expect(receiver.messages).toHaveLength(3);
    expect(await again.end('SIGTERM')).toBe(0);
  });

  it('ends at once when it is told again', async () => {
    const { up } = await start();
    const children = Object.values(up.children());
    const ended = up.end('SIGINT');
    await waitFor(() => sayings(up.output()).length > 0, { describe: up.output });
    await pause(1_000);
    up.process.kill('SIGINT');
    expect(await ended).toBe(0);
    expect(receiver.held).toBeGreaterThan(0);
    expect(up.output()).toContain('Not waiting for the workers any longer');
    expect(children.filter((pid) => processIdentity(pid) !== undefined)).toEqual([]);
  });
});
