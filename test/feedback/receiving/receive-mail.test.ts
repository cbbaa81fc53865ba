import { connect, type Socket } from 'node:net';
import { sql } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import { closeDatabase, connectDatabase } from '../../../src/db/connect.ts';
import { feedback } from '../../../src/db/schema.ts';
import type { ReceiveMailOptions } from '../../../src/feedback/receiving/receive-mail.ts';
import { useClosers } from '../../support/closers.ts';
import { useTestDatabase } from '../../support/database.ts';
import { waitFor } from '../../support/wait-for.ts';
import { bounceDomain, bounceMessage, queuedFor } from '../fixtures.ts';
import { startedReceiver } from '../started-receiver.ts';

const database = useTestDatabase();
const closers = useClosers();

beforeEach(async () => {
  await database.db.execute(sql`truncate feedback restart identity`);
});

const receiver = async (change: Partial<ReceiveMailOptions> = {}) =>
  await startedReceiver(database.db, closers, change);

/** Says what it is told to and collects the replies. */
class Client {
  replies = '';
  isClosed = false;

  private constructor(readonly socket: Socket) {
    socket.on('data', (bytes) => {
      this.replies += bytes.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.isClosed = true;
    });
  }

  static async to({ port }: { readonly port: number }): Promise<Client> {
    const client = new Client(connect(port, '127.0.0.1'));
    closers.push(() => void client.socket.destroy());
    await client.heard(/^220 /m);
    return client;
  }

  /** @returns the replies to it, the last of which matches */
  async say(text: string | Buffer, reply: RegExp = /^\d{3} .*\r\n$/m): Promise<string> {
    this.replies = '';
    this.socket.write(text);
    return await this.heard(reply);
  }

  async heard(reply: RegExp): Promise<string> {
    await waitFor(() => reply.test(this.replies) || this.isClosed, {
      describe: `${reply} after ${this.replies}`,
    });
    return this.replies;
  }

  async greet(): Promise<string> {
    return await this.say('EHLO mx.example.net\r\n', /^250 /m);
  }
}

/** Hands a message over. @returns the last reply */
async function deliver(client: Client, to: string, raw: Buffer, from = ''): Promise<string> {
  await client.say(`MAIL FROM:<${from}>\r\n`);
  const named = await client.say(`RCPT TO:<${to}>\r\n`);
  if (!named.startsWith('250')) return named;
  await client.say('DATA\r\n');
  return await client.say(Buffer.concat([raw, Buffer.from('\r\n.\r\n')]));
}

const rows = async () => await database.db.select().from(feedback).orderBy(feedback.id);

describe('the listener', () => {
  it('stores what comes to an address of a message, before it answers, once', async () => {
    const { of } = await queuedFor(database.db, 2);
    const client = await Client.to(await receiver());
    expect(await client.greet()).toContain('SIZE 36700160');
    expect(await deliver(client, of(1).bounce, bounceMessage())).toMatch(/^250/);
    const [row] = await rows();
    expect(row).toMatchObject({ source: 'smtp', envelopeFrom: '', envelopeTo: of(1).bounce, state: 'new' });
    expect(row?.raw?.toString()).toContain('Final-Recipient: rfc822; ann@example.org');
    expect(await deliver(client, of(1).bounce.toUpperCase(), bounceMessage())).toMatch(/^250/);
    expect(await rows()).toHaveLength(1);
    expect(await deliver(client, of(2).unsubscribe, Buffer.from('a: b\r\n\r\n'), 'ann@example.org')).toMatch(
      /^250/,
    );
    expect(await rows()).toHaveLength(2);
  });

  it('takes nothing for anybody else, and relays nothing', async () => {
    const { of } = await queuedFor(database.db, 1);
    const client = await Client.to(await receiver());
    await client.greet();
    const forged = of(1).bounce.replace(/-[0-9a-f]{24}/, `-${'0'.repeat(24)}`);
    const others = [
      'ann@example.org',
      `postmaster@${bounceDomain}`,
      forged,
      of(1).bounce.replace(bounceDomain, 'example.org'),
      of(1).bounce.replace(/^b-[0-9a-z]+/, 'b-zik0zj'),
      `ann%example.org@${bounceDomain}`,
    ];
    for (const to of others) {
      await client.say('MAIL FROM:<>\r\n');
      expect(await client.say(`RCPT TO:<${to}>\r\n`)).toMatch(/^550 5\.1\.1/);
      await client.say('RSET\r\n');
    }
    expect(await client.say('AUTH PLAIN AGEAYg==\r\n')).toMatch(/^5/);
    expect(await client.say('VRFY ann\r\n')).not.toMatch(/^250/);
    expect(await rows()).toEqual([]);
  });

  it('keeps the beginning of a bounce that sends back a large newsletter, and refuses what no mail server lets through', async () => {
    const { of } = await queuedFor(database.db, 1);
    const client = await Client.to(await receiver({ sizeMaximum: 4_000_000 }));
    await client.greet();
    expect(await client.say('MAIL FROM:<> SIZE=50000000\r\n')).toMatch(/^552/);
    const large = Buffer.concat([bounceMessage(), Buffer.alloc(3_000_000, 'x\r\n')]);
    expect(await deliver(client, of(1).bounce, large)).toMatch(/^250/);
    const [row] = await rows();
    expect(row?.raw?.equals(large.subarray(0, 1_048_576))).toBe(true);
    expect(await deliver(client, of(1).bounce, Buffer.alloc(4_100_000, 'x\r\n'))).toMatch(/^552 5\.3\.4/);
    expect(await deliver(client, of(1).bounce, bounceMessage())).toMatch(/^250/);
    expect(await rows()).toHaveLength(2);
  });

  it('lets nobody try addresses: twenty that are not here end the connection', async () => {
    const { of } = await queuedFor(database.db, 1);
    const server = await receiver();
    const client = await Client.to(server);
    await client.greet();
    await client.say('MAIL FROM:<>\r\n');
    for (let tried = 1; tried <= 20; tried++) {
      const forged = of(1).bounce.replace(/-[0-9a-f]{24}/, `-${tried.toString(16).padStart(24, '0')}`);
      expect(await client.say(`RCPT TO:<${forged}>\r\n`)).toMatch(/^550 5\.1\.1/);
    }
    expect(await client.say(`RCPT TO:<${of(1).bounce}>\r\n`)).toMatch(/^421 4\.7\.0/);
    await waitFor(() => client.isClosed);
    const next = await Client.to(server);
    await next.greet();
    expect(await deliver(next, of(1).bounce, bounceMessage())).toMatch(/^250/);
  });

  it('ends a message at CRLF.CRLF alone, and takes bytes of any value as they are', async () => {
    const { of } = await queuedFor(database.db, 1);
    const client = await Client.to(await receiver());
    await client.greet();
    const hidden = `\n.\nMAIL FROM:<>\nRCPT TO:<ann@example.org>\n.\r\nDATA\r\n\r.\r\r\n`;
    const raw = Buffer.concat([
      bounceMessage(),
      Buffer.from(hidden),
      Buffer.from([0, 1, 0x80, 0xff, 0x0d, 0x0a]),
    ]);
    expect(await deliver(client, of(1).bounce, raw)).toMatch(/^250/);
    const [row, ...more] = await rows();
    expect(more).toEqual([]);
    expect(row?.raw?.subarray(0, raw.length)).toEqual(raw);
    expect(await client.say('EXPN ann\r\n')).toMatch(/^5/);
  });

  it('asks the other side to keep it while the database is away', async () => {
    const { of } = await queuedFor(database.db, 1);
    const db = connectDatabase(database.url, { applicationName: 'exm test away', max: 2 });
    const client = await Client.to(await receiver({ db }));
    await client.greet();
    await client.say('MAIL FROM:<>\r\n');
    await client.say(`RCPT TO:<${of(1).bounce}>\r\n`);
    await client.say('DATA\r\n');
    await closeDatabase(db);
    expect(await client.say(Buffer.concat([bounceMessage(), Buffer.from('\r\n.\r\n')]))).toMatch(
      /^451 4\.3\.0/,
    );
    await client.say('MAIL FROM:<>\r\n');
    expect(await client.say(`RCPT TO:<${of(1).bounce}>\r\n`)).toMatch(/^451 4\.3\.0/);
    expect(await rows()).toEqual([]);
  });

  it('lets go of clients that say nothing, never end, or go away in the middle', async () => {
    const { of } = await queuedFor(database.db, 1);
    const server = await receiver({ idleMs: 300, connectionMs: 1_500 });
    const silent = await Client.to(server);
    await waitFor(() => silent.isClosed, { describe: 'the silent one to be let go' });

    const endless = await Client.to(server);
    await endless.greet();
    await endless.say('MAIL FROM:<>\r\n');
    await endless.say(`RCPT TO:<${of(1).bounce}>\r\n`);
    await endless.say('DATA\r\n');
    const drip = setInterval(() => endless.socket.write('x\r\n'), 50);
    closers.push(() => clearInterval(drip));
    await waitFor(() => endless.isClosed, { describe: 'the endless one to be let go' });

    const broken = await Client.to(server);
    await broken.greet();
    await broken.say('MAIL FROM:<>\r\n');
    await broken.say(`RCPT TO:<${of(1).bounce}>\r\n`);
    await broken.say('DATA\r\n');
    broken.socket.write(bounceMessage().subarray(0, 100));
    broken.socket.resetAndDestroy();

    const noise = await Client.to(server);
    noise.socket.write(Buffer.alloc(200_000, 0));
    await waitFor(() => noise.isClosed || /^5/m.test(noise.replies), { describe: 'an answer to noise' });

    // It is let go itself where this process is held up for as long.
    await waitFor(
      async () => {
        const next = await Client.to(server);
        await next.greet();
        return (await deliver(next, of(1).bounce, bounceMessage())).startsWith('250');
      },
      { describe: 'the next one to be served' },
    );
    expect(await rows()).toHaveLength(1);
  });

  it('takes no more than ten recipients a message, and a hundred clients at once', async () => {
    const { of } = await queuedFor(database.db, 11);
    const server = await receiver();
    const client = await Client.to(server);
    await client.greet();
    await client.say('MAIL FROM:<>\r\n');
    const answers: string[] = [];
    for (let position = 1; position <= 11; position++)
      answers.push(await client.say(`RCPT TO:<${of(position).bounce}>\r\n`));
    expect(answers.map((one) => one.slice(0, 3))).toEqual([
      ...Array.from({ length: 10 }, () => '250'),
      '452',
    ]);

    const sockets = Array.from({ length: 120 }, () => connect(server.port, '127.0.0.1'));
    closers.push(() => {
      for (const socket of sockets) socket.destroy();
    });
    let refused = 0;
    for (const socket of sockets) {
      socket.on('error', () => undefined);
      socket.on('data', (bytes) => {
        if (bytes.toString().startsWith('421')) refused++;
      });
    }
    await waitFor(() => refused >= 20, { describe: 'those beyond a hundred to be refused' });
  });
});
