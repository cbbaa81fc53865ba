import { describe, expect, it } from 'vitest';
import type { DispatchHost } from '../../src/dispatch/dispatch-host.ts';
import type { SendBatchInput } from '../../src/domain/dispatch.ts';
import {
  type BluntMailServer,
  type BluntMailServerOptions,
  type Misconduct,
  type SmtpStage,
  startBluntMailServer,
} from '../support/blunt-mail-server.ts';
import { useClosers } from '../support/closers.ts';
import { useTestDatabase } from '../support/database.ts';
import { attempt, booksByAddress, dispatchHost, queuedCampaign } from '../support/dispatch-host.ts';
import { type SmtpReceiver, startSmtpReceiver } from '../support/smtp-receiver.ts';
import { waitFor } from '../support/wait-for.ts';

const database = useTestDatabase();

const closers = useClosers();

/** How long a mail server may be silent here. */
const limits = { connectMs: 2_000, envelopeMs: 2_000, contentMs: 2_000, courtesyMs: 2_000 };

async function startBlunt(at: BluntMailServerOptions['at']): Promise<BluntMailServer> {
  const server = await startBluntMailServer({ at });
  closers.push(() => server.close());
  return server;
}

async function startReceiver(options: Parameters<typeof startSmtpReceiver>[0]): Promise<SmtpReceiver> {
  const receiver = await startSmtpReceiver(options);
  closers.push(() => receiver.close());
  return receiver;
}

function startHost(smtpUrl: string, options: Partial<Parameters<typeof dispatchHost>[1]> = {}) {
  const host = dispatchHost(database.db, { smtpUrl, limits, ...options });
  closers.push(() => host.close());
  return host;
}

const campaignFor = async (addresses: readonly string[]): Promise<SendBatchInput> =>
  await queuedCampaign(
    database.db,
    addresses.map((email) => ({ email })),
  );
const people = (name: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${name}-${index + 1}@example.com`);
const books = async (batch: SendBatchInput) => await booksByAddress(database.db, batch.campaignId);
const kinds = async (batch: SendBatchInput) => Object.values(await books(batch)).map(({ kind }) => kind);

describe('what the mail server does with one recipient', () => {
  const says = (code: string): Misconduct => ({ says: `${code} of the test`, hangsUp: code === '421' });
  const misconducts: Record<string, Misconduct> = {
    ...Object.fromEntries(
      ['421', '450', '451', '452', '550', '552', '554'].map((code) => [code, says(code)]),
    ),
    'hangs-up': { hangsUp: true },
    silent: 'nothing',
  };
  const stages = ['RCPT', 'DATA', 'answer'] as const;

  interface Case {
    readonly address: string;
    readonly stage: SmtpStage;
    readonly misconduct: Misconduct;
    readonly expected: unknown;
    /** How often the whole message may have arrived. */
    readonly arrives: number;
  }

  /** What becomes of a recipient, and how often the message may have gone out to them. */
  function caseOf(domain: string, stage: SmtpStage, what: string, misconduct: Misconduct): Case {
    const address = `${stage}-${what}@${domain}`.toLowerCase();
    const isWhole = stage === 'answer';
    const reply =
      typeof misconduct === 'object' && 'says' in misconduct ? misconduct.says : expect.any(String);
    if (what.startsWith('5')) {
      const expected = { kind: 'failed', reason: 'refused by the mail server', reply };
      return { address, stage, misconduct, expected, arrives: isWhole ? 1 : 0 };
    }
    const isAnswered = what.startsWith('45');
    return {
      address,
      stage,
      misconduct,
      expected: { kind: 'deferred', reason: null, reply },
      arrives: isWhole ? (isAnswered ? 1 : 2) : 0,
    };
  }

  const casesAt = (domain: string) => [
    ...stages.flatMap((stage) =>
      Object.entries(misconducts).map(([what, misconduct]) => caseOf(domain, stage, what, misconduct)),
    ),
    caseOf(domain, 'content', 'hangs-up', { hangsUp: true }),
  ];

  it.each([
    { what: 'one command at a time', domain: 'one.example', greeted: '250 blunt' },
    { what: 'with the next envelope ahead', domain: 'ahead.example', greeted: '250-blunt\r\n250 PIPELINING' },
  ])(
    'at RCPT, at DATA, in the content and after it is booked for that recipient, and harms no other: $what',
    async ({ domain, greeted }) => {
      const cases = casesAt(domain);
      const server = await startBlunt((stage, recipient) => {
        if (stage === 'EHLO') return { says: greeted };
        const wanted = cases.find(({ address }) => address === recipient);
        return wanted?.stage === stage ? wanted.misconduct : undefined;
      });
      // After each of them somebody with whom nothing is wrong.
      const addresses = cases.flatMap(({ address }) => [address, `after-${address}`]);
      const batch = await campaignFor(addresses);
      const host = startHost(server.url);
      const deferred = cases.filter(({ address }) => !/-5\d\d@/.test(address)).length;
      expect(await attempt(host, batch)).toMatchObject({
        counts: { sent: cases.length, failed: cases.length - deferred },
        deferred,
      });
      const entries = await books(batch);
      for (const { address, expected, arrives } of cases) {
        expect(entries[address], address).toEqual(expected);
        expect(entries[`after-${address}`], `after ${address}`).toMatchObject({ kind: 'sent' });
        const copies = (name: string) => server.arrived.filter((arrived) => arrived === name).length;
        expect(copies(address), address).toBe(arrives);
        expect(copies(`after-${address}`)).toBe(1);
      }
      expect(host.mailServer.condition).toBe('well');
    },
  );

  it('at MAIL FROM, which names nobody, puts off one after two attempts, and harms no other', async () => {
    for (const what of ['421', '450', '451', '452', 'hangs-up', 'silent']) {
      let mails = 0;
      const server = await startBlunt((stage) => {
        // The second recipient's, and their second attempt.
        if (stage === 'MAIL' && [2, 3].includes(++mails)) return misconducts[what];
        return undefined;
      });
      const batch = await campaignFor(people(`mail-${what}`, 4));
      const host = startHost(server.url);
      expect(await attempt(host, batch), what).toMatchObject({ counts: { sent: 3 }, deferred: 1 });
      expect(await kinds(batch), what).toEqual(['sent', 'deferred', 'sent', 'sent']);
      expect(server.arrived, what).toHaveLength(3);
      expect(host.mailServer.condition, what).toBe('well');
    }
  });

  it('at MAIL FROM with 552 is about the size of that message', async () => {
    let mails = 0;
    const server = await startBlunt((stage) =>
      stage === 'MAIL' && ++mails === 2 ? { says: '552 5.3.4 too large' } : undefined,
    );
    const batch = await campaignFor(people('mail-552', 3));
    expect(await attempt(startHost(server.url), batch)).toMatchObject({ counts: { sent: 2, failed: 1 } });
    expect(await kinds(batch)).toEqual(['sent', 'failed', 'sent']);
  });

  it.each(['550', '554'])('at MAIL FROM with %s is about the sender: nobody pays for it', async (code) => {
    const server = await startBlunt((stage) => (stage === 'MAIL' ? says(code) : undefined));
    const batch = await campaignFor(people(`sender-${code}`, 3));
    await expect(attempt(startHost(server.url), batch)).rejects.toMatchObject({
      code: 'SENDER_REFUSED',
      retryable: false,
      message: expect.stringContaining(`${code} of the test`),
    });
    expect(await kinds(batch)).toEqual(['open', 'open', 'open']);
    expect(server.arrived).toHaveLength(0);
  });

  it('over TLS that breaks with a message on it puts off that one after two copies', async () => {
    let copies = 0;
    const receiver: SmtpReceiver = await startReceiver({
      server: { disabledCommands: [] },
      onData: (message) => {
        if (message.to[0] !== 'tls-2@example.com') return undefined;
        copies++;
        receiver.cutConnections();
        return undefined;
      },
    });
    const batch = await campaignFor(people('tls', 3));
    const host = startHost(`${receiver.url}?requireTLS=true&tls.rejectUnauthorized=false`, { limits: {} });
    expect(await attempt(host, batch)).toMatchObject({ counts: { sent: 2 }, deferred: 1 });
    expect(await kinds(batch)).toEqual(['sent', 'deferred', 'sent']);
    expect(copies).toBe(2);
  });

  it('by a 421 to an idle connection costs nobody anything', async () => {
    const receiver = await startReceiver({ server: { socketTimeout: 300 } });
    const host = startHost(receiver.url);
    const first = await campaignFor(people('idle-a', 1));
    expect(await attempt(host, first)).toMatchObject({ counts: { sent: 1 } });
    await waitFor(() => receiver.connections === 0, { describe: 'the server to hang up' });
    const second = await campaignFor(people('idle-b', 2));
    expect(await attempt(host, second)).toMatchObject({ counts: { sent: 2 }, deferred: 0 });
  });
});

describe('a mail server that does it to everybody', () => {
  const misused = (misusedAt: SmtpStage, misconduct: Misconduct): Promise<BluntMailServer> =>
    startBlunt((stage) => (stage === misusedAt ? misconduct : undefined));

  /** Gives the batch back with three recipients put off, and takes no further one. */
  async function expectGivenBack(host: DispatchHost, batch: SendBatchInput): Promise<void> {
    await expect(attempt(host, batch)).rejects.toMatchObject({ code: 'MTA_UNREACHABLE', retryable: true });
    expect((await kinds(batch)).sort()).toEqual(['deferred', 'deferred', 'deferred', 'open', 'open']);
    expect(host.mailServer.slots(10)).toBe(0);
    expect(host.mailServer.health).toMatch(/^The mail server takes no messages: /);
  }

  it.each([
    { stage: 'MAIL', misconduct: { says: '452 4.3.1 no room' } },
    { stage: 'RCPT', misconduct: { says: '421 4.3.2 closing', hangsUp: true } },
    { stage: 'content', misconduct: { hangsUp: true } },
    { stage: 'answer', misconduct: { hangsUp: true } },
    { stage: 'DATA', misconduct: 'nothing' },
  ] as const)(
    'at $stage ($misconduct) keeps nobody from being sent to by another host',
    async ({ stage, misconduct }) => {
      const batch = await campaignFor(people(`all-${stage}`.toLowerCase(), 5));
      const ill = await misused(stage, misconduct);
      await expectGivenBack(startHost(ill.url, { name: 'ill' }), batch);
      const arrived = new Set(ill.arrived).size;
      expect(ill.arrived).toHaveLength(arrived * 2);
      const well = await startReceiver({});
      const result = await attempt(startHost(well.url, { name: 'well' }), batch, 2);
      expect(result.counts.sent).toBe(2);
      expect((await kinds(batch)).filter((kind) => kind === 'sent')).toHaveLength(2);
    },
  );

  it('with a reply that quotes an address shows none to operators', async () => {
    const server = await misused('MAIL', { says: '450 4.1.8 <news@example.com>: not now' });
    const host = startHost(server.url);
    await expectGivenBack(host, await campaignFor(people('quoted', 5)));
    expect(host.mailServer.health).toBe('The mail server takes no messages: 450 4.1.8 <…@…>: not now');
  });

  it('and says 4xx to recipients is tried later and later, and in the end they failed, with its reply', async () => {
    const tries: number[] = [];
    const server = await startBlunt((stage) => {
      if (stage !== 'RCPT') return undefined;
      tries.push(performance.now());
      return { says: '450 4.2.1 mailbox busy' };
    });
    const batch = await campaignFor(people('later', 1));
    const host = startHost(server.url, {
      settings: { deferralFirstDelaySeconds: 0.2, deferralMaximumHours: 5 / 3_600 },
    });
    let attempts = 0;
    await waitFor(async () => {
      const { counts } = await attempt(host, batch, ++attempts);
      return counts.failed === 1;
    });
    expect(await books(batch)).toEqual({
      'later-1@example.com': {
        kind: 'failed',
        reason: 'put off by the mail server for too long',
        reply: '450 4.2.1 mailbox busy',
      },
    });
    // Due after 0.2, 0.4, 0.8 and 1.6 s; after 3.2 s more it would be too old.
    expect(tries.length).toBeGreaterThanOrEqual(3);
    expect(tries.length).toBeLessThanOrEqual(5);
    for (const [index, at] of tries.slice(1).entries()) {
      expect(at - (tries[index] ?? 0)).toBeGreaterThanOrEqual(200 * 2 ** index * 0.9);
    }
    expect(server.arrived).toHaveLength(0);
  });

  it('or gives no connection at all is nobody of the recipients to blame for', async () => {
    const away = await startSmtpReceiver();
    await away.close();
    const untrusted = await startReceiver({ server: { disabledCommands: [] } });
    const offersTls = { says: '250-blunt\r\n250 STARTTLS' };
    const urls: Record<string, string> = {
      refused: away.url,
      'greeting 554': (await misused('greeting', { says: '554 5.3.2 no' })).url,
      'greeting 421': (await misused('greeting', { says: '421 4.3.2 busy', hangsUp: true })).url,
      'no greeting': (await misused('greeting', 'nothing')).url,
      'hangs up at once': (await misused('greeting', { hangsUp: true })).url,
      'EHLO 421': (await misused('EHLO', { says: '421 4.3.2 busy', hangsUp: true })).url,
      'EHLO unanswered': (await misused('EHLO', 'nothing')).url,
      'login refused': (await misused('AUTH', { says: '535 5.7.8 wrong password' })).url.replace(
        '//',
        '//user:secret@',
      ),
      'STARTTLS refused': (await startBlunt((stage) => (stage === 'EHLO' ? offersTls : undefined))).url,
      'TLS drops in the handshake': (
        await startBlunt((stage) => {
          if (stage === 'EHLO') return offersTls;
          return stage === 'STARTTLS' ? { says: '220 2.0.0 go ahead', hangsUp: true } : undefined;
        })
      ).url,
      'a certificate of its own': untrusted.url,
    };
    // Each of them is tried for 8 s, all at the same time.
    const ends = Object.entries(urls).map(async ([what, url], index) => {
      const batch = await campaignFor(people(`away-${index}`, 2));
      const host = startHost(url, { name: `away-${index}` });
      const error = await attempt(host, batch).catch((thrown: unknown) => thrown);
      return [what, (error as { code?: string }).code, host.mailServer.condition, ...(await kinds(batch))];
    });
    expect(await Promise.all(ends)).toEqual(
      Object.keys(urls).map((what) => [what, 'MTA_UNREACHABLE', 'ill', 'open', 'open']),
    );
  });

  it('that is restarted within seconds keeps its batch, and nobody is put off', async () => {
    const before = await startSmtpReceiver();
    const batch = await campaignFor(people('restart', 3));
    await before.close();
    const host = startHost(before.url);
    const sending = attempt(host, batch);
    await waitFor(() => host.mailServer.condition === 'ill', { describe: 'the slot to see it' });
    const after = await startReceiver({ port: before.port });
    expect(await sending).toMatchObject({ counts: { sent: 3 }, deferred: 0 });
    expect(host.mailServer.condition).toBe('well');
    expect(after.messages).toHaveLength(3);
  });
});
