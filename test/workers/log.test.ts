import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Role, roles } from '../../workers/runtime.ts';
import { createInstallation, type Installation } from '../support/installation.ts';
import { createCampaign, importRecipients } from '../support/newsletter.ts';
import { type SmtpReceiver, startSmtpReceiver } from '../support/smtp-receiver.ts';
import type { WorkerProcess } from '../support/worker-process.ts';

describe('the log of a worker', () => {
  let installation: Installation;
  let receiver: SmtpReceiver;
  const logs = new Map<Role, string>();

  beforeAll(async () => {
    receiver = await startSmtpReceiver();
    installation = await createInstallation({ smtpUrl: receiver.url });
    const { host } = new URL(installation.env['EXM_BASE_URL'] ?? '');
    const listen: Partial<Record<Role, string>> = { 'content-delivery': host, reporting: '127.0.0.1:0' };
    const env = { EXM_LOG_LEVEL: 'debug' };
    const workers = new Map<Role, WorkerProcess>();
    await Promise.all(
      roles.map(async (role) => {
        const args = listen[role] === undefined ? [] : ['--listen', listen[role]];
        workers.set(role, await installation.startWorker(role, args, { env }));
      }),
    );
    await importRecipients(installation, 20);
    const id = await createCampaign(installation);
    expect((await installation.exm(['campaign', 'start', id, '--watch'])).code).toBe(0);
    for (const role of ['content-delivery', 'reporting'] as const) {
      for (const path of ['/', '/c/nothing', '/%zz']) await fetch(`${workers.get(role)?.address}${path}`);
    }
    await Promise.all([...workers.values()].map(async (worker) => expect(await worker.stop()).toBe(0)));
    for (const [role, worker] of workers) logs.set(role, worker.log());
  });
  afterAll(async () => {
    await installation?.dispose();
    await receiver?.close();
  });

  test.each(roles)('of the role %s is one JSON object a line, from its start to its end', (role) => {
    const lines = (logs.get(role) ?? '').split('\n').filter((line) => line !== '');
    const messages = lines.map((line) => {
      expect(line).toMatch(/^\{.*\}$/);
      return (JSON.parse(line) as { msg: string }).msg;
    });
    expect(messages).toContain('ready');
    expect(messages.join()).not.toContain('given up');
    expect(messages.at(-1)).toBe('stopped');
  });
});
