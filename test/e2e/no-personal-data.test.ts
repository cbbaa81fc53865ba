import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { importContacts } from '../../src/contacts/import/import-contacts.ts';
import { connectClient } from '../../src/temporal/client-connection.ts';
import { bounceDomain } from '../feedback/fixtures.ts';
import { createInstallation, type Installation } from '../support/installation.ts';
import { createCampaign } from '../support/newsletter.ts';
import { type SmtpReceiver, type SmtpReceiverOptions, startSmtpReceiver } from '../support/smtp-receiver.ts';
import { waitFor } from '../support/wait-for.ts';
import type { WorkerProcess } from '../support/worker-process.ts';

/** Of addresses and names; they stand nowhere else. */
const words = ['zwetschge', 'hagebutte', 'sanddorn', 'holunder', 'hof.example'];
const people = Array.from({ length: 40 }, (_, index) => `zwetschge${index}@hof.example`);
const [first = ''] = people;
const visitor = 'hagebutte@hof.example';

/** What a mail server may say: it repeats the address in whatever form it likes. */
const repeats = (address: string) =>
  `<${address}> ${address}: "${address}" rcpt:${address}, user ${address.split('@')[0]} is not here`;

/** A step and a processor of the installation's own that fail with an address while the file \`broken-\` and their name is there. */
const config = `
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'exm-dispatch';
const isBroken = (what) => existsSync(join(${JSON.stringify('DIR')}, 'broken-' + what));
export default defineConfig({
  steps: {
    TellCrm: async () => { if (isBroken('TellCrm')) throw new Error('the CRM knows no <${first}>'); },
  },
  processors: {
    Stamp: (email) => { if (isBroken('Stamp')) throw new TypeError('no stamp for ' + email.recipient.email); },
  },
  pipelines: {
    dispatchNewsletter: [
      'CheckPreconditions', 'MoveToQueuing', 'DeployAnalytics', 'PublishDispatchItems', 'QueueMessage', 'MoveToProcessing',
      'LaunchDedicatedServers', 'SendMessage', 'WaitForDispatchToFinish', 'TellCrm', 'MoveToSent', 'NotifyDispatchFinished',
      'FinalizeDispatch',
    ],
    sendEmail: ['FillEmail', 'Stamp', 'SendEmail', 'EmailSent', 'Sleep'],
  },
});
`;

let installation: Installation;
let receiver: SmtpReceiver;
let answer: NonNullable<SmtpReceiverOptions['onRcpt']> = () => undefined;
const workers: WorkerProcess[] = [];

beforeAll(async () => {
  receiver = await startSmtpReceiver({ onRcpt: (address) => answer(address) });
  installation = await createInstallation({
    smtpUrl: receiver.url,
    env: { EXM_BOUNCE_DOMAIN: bounceDomain, EXM_SENDER: 'News <news@example.com>', EXM_LOG_LEVEL: 'debug' },
  });
  writeFileSync(join(installation.dir, 'exm.config.ts'), config.replace('DIR', installation.dir));
  const host = new URL(installation.env['EXM_BASE_URL'] ?? '').host;
  workers.push(
    ...(await Promise.all([
      installation.startWorker('primary', ['--no-dispatch']),
      installation.startWorker('content-delivery', ['--listen', host]),
      installation.startWorker('processing', ['--receive', '127.0.0.1:0']),
      installation.startWorker('dedicated-dispatch', ['--threads', '2', '--sleep-ms', '5']),
    ])),
  );
});
afterAll(async () => {
  await installation?.dispose();
  await receiver?.close();
});

const query = async (text: string, ...values: unknown[]) =>
  (await installation.database.db.$client.query(text, values)).rows;
const status = async (id: string) => (await installation.exm(['campaign', 'status', id, '--json'])).json();

/** All that Temporal has of this installation, with what is encoded made readable. */
async function allOfTemporal(): Promise<string> {
  const client = await connectClient(installation.env);
  const prefix = installation.env['EXM_QUEUE_PREFIX'] ?? '';
  const found: string[] = [];
  try {
    for await (const { workflowId, runId, taskQueue } of client.workflow.list()) {
      if (!taskQueue.startsWith(prefix)) continue;
      const handle = client.workflow.getHandle(workflowId, runId);
      const history = historyToJSON(await handle.fetchHistory());
      const { raw } = await handle.describe();
      found.push(workflowId, readable(history), readable(JSON.stringify(raw)));
    }
  } finally {
    await client.connection.close();
  }
  return found.join('\n');
}

function readable(json: string): string {
  return json.replace(/"data":\s?"([A-Za-z0-9+/=]+)"/g, (_, data: string) =>
    Buffer.from(data, 'base64').toString(),
  );
}

test('nothing of those who are mailed is in a history of Temporal or in a log, whatever fails', {
  timeout: 240_000,
}, async () => {
  const broken = (what: string) => join(installation.dir, `broken-${what}`);
  const rows = people.map((one) => `${one},Sanddorn,Holunder\n`);
  await importContacts(installation.database.db, Readable.from(['email,firstName,lastName\n', ...rows]), {
    list: 'people',
  });
  await importContacts(installation.database.db, Readable.from([`email\n${first}\n`]), { list: 'few' });
  expect((await installation.exm(['list', 'title', 'people', 'News'])).code).toBe(0);

  // A test message that is refused, and a mail to confirm that is put off and then taken.
  const id = await createCampaign(installation, { include: ['people'] });
  answer = (address) => ({ code: 550, text: `5.1.1 ${repeats(address)}` });
  await installation.exm(['campaign', 'test', id, '--to', first]);
  answer = (address) => ({ code: 450, text: `4.2.0 ${repeats(address)}` });
  const { EXM_BASE_URL: base = '' } = installation.env;
  const body = new URLSearchParams({ email: visitor, firstName: 'Hagebutte' });
  expect((await fetch(`${base}/s/people`, { method: 'POST', body })).status).toBe(200);
  await waitFor(async () => (await allOfTemporal()).includes('CONFIRMATION_UNSENT'), {
    describe: 'the mail to be put off',
  });

  // A processor that fails, a mail server that takes nobody, one who is refused, and a step that fails.
  answer = () => undefined;
  writeFileSync(broken('Stamp'), '');
  expect((await installation.exm(['campaign', 'start', id])).code).toBe(0);
  await waitFor(async () => (await status(id)).reason?.includes('Stamp'), {
    describe: 'the processor to fail',
  });
  answer = (address) => ({ code: 421, text: `4.3.2 ${repeats(address)}` });
  rmSync(broken('Stamp'));
  expect((await installation.exm(['campaign', 'resume', id])).code).toBe(0);
  await waitFor(async () => (await query(`select from server where health <> 'ok'`)).length > 0, {
    describe: 'the mail server to be ill',
  });
  await waitFor(async () => (await allOfTemporal()).includes('MTA_UNREACHABLE'), {
    describe: 'a batch to be handed back',
  });
  // Some are answered, the others wait: somebody is left for the processor to fail with.
  let asked = 0;
  let goOn: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  answer = async (address) => {
    if (address === visitor) return undefined;
    asked++;
    if (asked === 1) return { code: 550, text: `5.1.1 ${repeats(address)}` };
    if (asked > 6) await gate;
    return undefined;
  };
  await waitFor(async () => (await query('select from dispatch_outcome')).length >= 6, {
    describe: 'the mail server to be well',
  });
  writeFileSync(broken('Stamp'), '');
  goOn();
  await waitFor(async () => (await status(id)).subState === 'Paused', {
    describe: 'the processor to fail again',
  });
  expect((await installation.exm(['campaign', 'cancel', id, '--reason', 'enough'])).code).toBe(0);
  rmSync(broken('Stamp'));
  await waitFor(async () => (await status(id)).subState === 'Cancelled', { describe: 'the end' });
  writeFileSync(broken('TellCrm'), '');
  const few = await createCampaign(installation, { include: ['few'] });
  expect((await installation.exm(['campaign', 'start', few])).code).toBe(0);
  await waitFor(async () => (await status(few)).reason?.includes('TellCrm'), {
    describe: 'the step to fail',
  });
  expect((await installation.exm(['campaign', 'cancel', few])).code).toBe(0);
  await waitFor(async () => receiver.messages.some(({ to }) => to.includes(visitor)), {
    describe: 'the mail to be taken',
  });

  const histories = await allOfTemporal();
  for (const worker of workers) expect(await worker.stop()).toBe(0);
  const secrets = [
    ...words,
    ...receiver.messages.flatMap(({ raw }) => raw.toString().match(/(?<=\/u\/)[\w-]+(?=>)/g) ?? []),
    ...receiver.messages.map(({ from }) => from).filter((from) => from.startsWith('b-')),
    ...Object.entries(installation.env).flatMap(([name, value]) => (name.endsWith('_KEY') ? [value] : [])),
  ].map((one) => one.toLowerCase());
  const leaks = (text: string) =>
    secrets.flatMap((secret) => {
      const at = text.toLowerCase().indexOf(secret);
      return at < 0 ? [] : [text.slice(Math.max(0, at - 200), at + 100)];
    });
  expect(secrets.length).toBeGreaterThan(words.length + 10);
  expect(histories).toContain('…@…');
  expect({
    histories: leaks(histories),
    logs: workers.flatMap((worker) => leaks(worker.log())),
    health: leaks(JSON.stringify(await query('select health from server'))),
    audit: leaks(JSON.stringify(await query('select * from campaign_audit'))),
  }).toEqual({ histories: [], logs: [], health: [], audit: [] });
});
