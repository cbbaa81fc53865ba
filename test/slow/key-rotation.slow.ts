import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bounceDomain, bounceMessage } from '../feedback/fixtures.ts';
import { createInstallation, type Installation } from '../support/installation.ts';
import { createCampaign, importRecipients } from '../support/newsletter.ts';
import { type ReceivedMessage, type SmtpReceiver, startSmtpReceiver } from '../support/smtp-receiver.ts';
import { waitFor } from '../support/wait-for.ts';
import type { WorkerProcess } from '../support/worker-process.ts';

type Name = 'primary' | 'cd-1' | 'cd-2' | 'processing' | 'mta-1' | 'mta-2';
type Keys = Record<string, string>;

const deliveries = ['cd-1', 'cd-2'] as const;
const form = { 'content-type': 'application/x-www-form-urlencoded' };

/** What a recipient can do with a message. */
const waysOf = ({ raw, from }: ReceivedMessage) => {
  const text = raw.toString().replace(/\r\n[ \t]+/g, ' ');
  const body = text.replace(/=\r\n/g, '').replaceAll('=3D', '=');
  const [, token = ''] = /\/u\/([\w-]+)>/.exec(text) ?? [];
  const [, mailto = ''] = /mailto:([^?>]+)/.exec(text) ?? [];
  const [, click = ''] = /(\/c\/[\w-]+\/\d+)/.exec(body) ?? [];
  return { token, mailto, click, returnPath: from };
};

describe('keys that are changed while a campaign is sent, every process by itself', () => {
  let installation: Installation;
  let receiver: SmtpReceiver;
  let next: Keys = {};
  const workers = new Map<Name, WorkerProcess>();
  /** Messages whose unsubscribe link was not known to a living content-delivery when they arrived. */
  const dead: string[] = [];

  const argumentsOf: Record<Name, () => string[]> = {
    primary: () => ['primary', '--no-dispatch'],
    'cd-1': () => ['content-delivery', '--listen', new URL(installation.env['EXM_BASE_URL'] ?? '').host],
    'cd-2': () => ['content-delivery', '--listen', '127.0.0.1:0'],
    processing: () => ['processing', '--receive', '127.0.0.1:0'],
    // So slow that most are left when all processes but one have been restarted, each of them in some seconds.
    'mta-1': () => ['dedicated-dispatch', '--threads', '2', '--sleep-ms', '800'],
    'mta-2': () => ['dedicated-dispatch', '--threads', '2', '--sleep-ms', '800'],
  };
  const start = async (name: Name, env: Keys = {}) => {
    const [role = '', ...args] = argumentsOf[name]();
    workers.set(name, await installation.startWorker(role, [...args, '--name', name], { env }));
  };
  const restart = async (name: Name, env: Keys = next) => {
    const worker = workers.get(name);
    workers.delete(name);
    expect(await worker?.stop()).toBe(0);
    await start(name, env);
  };
  const address = (name: Name) => workers.get(name)?.address ?? '';
  const query = async (text: string, ...values: unknown[]) =>
    (await installation.database.db.$client.query(text, values)).rows;
  const sentBy = async (name: Name) =>
    Number((await query(`select count(*) as n from dispatch_outcome where server = $1`, name))[0].n);
  const sentInAll = async () => Number((await query('select count(*) as n from dispatch_outcome'))[0].n);
  const healthOf = async (name: Name) =>
    String((await query('select health from server where name = $1', name))[0].health);
  const page = async (name: Name, path: string, body?: string) => {
    const response = await fetch(address(name) + path, {
      redirect: 'manual',
      ...(body === undefined ? {} : { method: 'POST', body, headers: form }),
    });
    return { status: response.status, to: response.headers.get('location'), html: await response.text() };
  };
  const hand = async (to: string, raw: Buffer) => {
    const { hostname, port } = new URL(address('processing'));
    const transport = createTransport({ host: hostname, port: Number(port), ignoreTLS: true });
    await transport.sendMail({ envelope: { from: '', to: [to] }, raw }).finally(() => transport.close());
  };
  const messageTo = (email: string) => {
    const message = receiver.messages.find(({ to }) => to.includes(email));
    if (message === undefined) throw new Error(`nothing was sent to ${email}`);
    return waysOf(message);
  };
  const confirmLink = async (email: string) => {
    await page('cd-1', '/s/news', `email=${encodeURIComponent(email)}`);
    const message = await waitFor(() => receiver.messages.find(({ to }) => to.includes(email)), {
      describe: 'the mail to confirm',
    });
    return /\/confirm\/[\w.-]+/.exec(message.raw.toString().replace(/=\r\n/g, ''))?.[0] ?? '';
  };

  beforeAll(async () => {
    receiver = await startSmtpReceiver({
      onData: async (message) => {
        const { token } = waysOf(message);
        if (token === '') return undefined;
        for (const name of deliveries.filter((one) => workers.has(one))) {
          // One that is being restarted answers nobody.
          const answer = await page(name, `/u/${token}`).catch(() => undefined);
          if (answer !== undefined && answer.status !== 200) dead.push(`${name}: ${answer.status}`);
        }
        return undefined;
      },
    });
    installation = await createInstallation({
      smtpUrl: receiver.url,
      env: { EXM_BOUNCE_DOMAIN: bounceDomain, EXM_SENDER: 'News <news@example.com>' },
    });
    await Promise.all((Object.keys(argumentsOf) as Name[]).map(async (name) => await start(name)));
  });
  afterAll(async () => {
    await installation?.dispose();
    await receiver?.close();
  });

  test('break nothing, whatever the order: links, one click, mailto, return paths, undo, confirmations', async () => {
    await importRecipients(installation, 500, 'news');
    expect((await installation.exm(['list', 'title', 'news', 'News'])).code).toBe(0);
    const early = await confirmLink('early@example.org');
    const id = await createCampaign(installation, { include: ['news'] });
    expect((await installation.exm(['campaign', 'start', id])).code).toBe(0);
    await waitFor(async () => (await sentInAll()) >= 30, { describe: 'the first messages' });
    const before = receiver.messages.flatMap(({ to }) => to).filter((one) => one.startsWith('r'));
    const left = messageTo(before[0] ?? '');
    const undone = await page('cd-1', `/u/${left.token}`, 'scope=all');
    const [, undo = ''] = /name="undo" value="([^"]+)"/.exec(undone.html) ?? [];
    expect(undo).not.toBe('');

    const rotated = await installation.exm(['keys', 'rotate']);
    next = Object.fromEntries(
      rotated.stdout
        .trim()
        .split('\n')
        .map((line) => line.split('=') as [string, string]),
    );

    // The order that does most harm: first one that sends, last those who read.
    await restart('mta-1');
    await waitFor(async () => (await healthOf('mta-1')).includes('not known to cd-1, cd-2, processing'));
    const ofFirst = await sentBy('mta-1');
    await restart('primary');
    await restart('cd-1');
    await waitFor(async () => (await healthOf('mta-1')).includes('not known to cd-2, processing'));
    const soFar = await sentInAll();
    await waitFor(async () => (await sentInAll()) > soFar, { describe: 'the other one to go on' });
    await restart('mta-2');
    await restart('cd-2');
    expect(await sentBy('mta-1')).toBe(ofFirst);
    // Now nobody may send, and the campaign says why.
    const standing = await sentInAll();
    expect(standing).toBeLessThan(500);
    await waitFor(
      async () => {
        const { stdout } = await installation.exm(['campaign', 'status', id]);
        return stdout.includes('not known to processing');
      },
      { describe: 'the status to say what it waits for' },
    );
    expect(await sentInAll()).toBe(standing);
    await restart('processing');
    await query('update server set sleep_ms = 20');
    await waitFor(
      async () => (await query('select state from campaign where id = $1', id))[0].state === 'Sent',
      {
        describe: 'the campaign to be sent',
        timeoutMs: 180_000,
      },
    );
    expect(await healthOf('mta-1')).toBe('ok');
    expect(dead).toEqual([]);
    const everybody = receiver.messages.flatMap(({ to }) => to).filter((one) => one.startsWith('r'));
    expect(new Set(everybody).size).toBe(everybody.length);
    // Who unsubscribed had got it before.
    expect(everybody).toHaveLength(500);

    // What was made before, and what was made after, works everywhere.
    const after = everybody.filter((one) => !before.includes(one)).slice(-before.length);
    await page('cd-2', `/u/${left.token}`, `undo=${encodeURIComponent(undo)}`);
    expect(await query('select 1 from global_opt_out where email_key = $1', before[0])).toEqual([]);
    const late = await confirmLink('late@example.org');
    for (const [link, email] of [
      [early, 'early@example.org'],
      [late, 'late@example.org'],
    ]) {
      expect((await page('cd-2', link ?? '', 'confirm=yes')).status, email).toBe(200);
    }
    expect(
      await query(`select 1 from contact where email in ('early@example.org', 'late@example.org')`),
    ).toHaveLength(2);
    for (const [reader = '', oneClick = '', byMail = '', bounced = ''] of [before.slice(1), after]) {
      for (const name of deliveries) {
        const { token, click } = messageTo(reader);
        expect(await page(name, `/p/${token}`)).toMatchObject({ status: 200 });
        expect(await page(name, `/v/${token}`)).toMatchObject({ status: 200 });
        expect(await page(name, `/o/${token}.gif`)).toMatchObject({ status: 200 });
        expect(await page(name, click)).toMatchObject({ status: 302, to: 'https://shop.example.com/offer' });
        const forged = token.slice(0, -3) + (token.endsWith('AAA') ? 'BBB' : 'AAA');
        for (const wrong of [forged, token.slice(0, -1), `${token}A`])
          expect(await page(name, `/u/${wrong}`)).toMatchObject({ status: 404 });
      }
      const { token } = messageTo(oneClick);
      expect(await page('cd-1', `/u/${token}`, 'List-Unsubscribe=One-Click')).toMatchObject({ status: 200 });
      await hand(messageTo(byMail).mailto, Buffer.from('Subject: unsubscribe\r\n\r\n'));
      await hand(messageTo(bounced).returnPath, bounceMessage({ recipient: bounced }));
      for (const email of [oneClick, byMail]) {
        await waitFor(
          async () => (await query('select 1 from global_opt_out where email_key = $1', email)).length === 1,
          { describe: `the no of ${email}` },
        );
      }
      await waitFor(
        async () => (await query('select 1 from suppression where email_key = $1', bounced)).length === 1,
        { describe: `the bounce of ${bounced}` },
      );
    }
    expect(await query(`select 1 from feedback where state = 'unclear'`)).toEqual([]);

    // A slip: one that was forgotten comes back with the old keys, or the earlier ones were taken away too soon.
    await restart('cd-2', {});
    await waitFor(async () => (await healthOf('mta-1')).includes('not known to cd-2'));
    const doctor = await installation.exm(['doctor'], { env: next });
    expect(doctor.stdout).toContain('not known to cd-2');
    await restart('cd-2', { ...next, EXM_EARLIER_KEYS: '' });
    await waitFor(async () => (await healthOf('mta-1')) === 'ok');
    expect(await page('cd-2', `/u/${messageTo(before[1] ?? '').token}`)).toMatchObject({ status: 404 });
    expect(await page('cd-2', `/u/${messageTo(after[0] ?? '').token}`)).toMatchObject({ status: 200 });
  });
});
