import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asc, eq } from 'drizzle-orm';
import { createTransport } from 'nodemailer';
import { afterAll, describe, expect, test } from 'vitest';
import { contact, eventInbox, feedback, suppression } from '../../src/db/schema.ts';
import type { BounceClass } from '../../src/domain/feedback.ts';
import { processFeedback } from '../../src/feedback/process-feedback.ts';
import { readNotification } from '../../src/feedback/reading/read-notification.ts';
import { processEvents } from '../../src/processing/process-events.ts';
import { bounceDomain, judging, queuedFor } from '../feedback/fixtures.ts';
import { startedReceiver } from '../feedback/started-receiver.ts';
import { useClosers } from '../support/closers.ts';
import { useTestDatabase } from '../support/database.ts';
import { debianPrograms } from '../support/mail-transfer/debian-programs.ts';
import { eximWanted, startExim } from '../support/mail-transfer/exim.ts';
import { postfixWanted, startPostfix } from '../support/mail-transfer/postfix.ts';
import { ownPorts } from '../support/ports.ts';
import { startSmtpReceiver } from '../support/smtp-receiver.ts';
import { waitFor } from '../support/wait-for.ts';

const database = useTestDatabase();
const closers = useClosers();
const home = mkdtempSync(join(tmpdir(), 'exm-relays-'));
// The relays' accounts have to get to their folders in it.
chmodSync(home, 0o755);
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** What becomes of the message to each, in the order of their positions. */
const fates = [
  'unknown',
  'full',
  'refused',
  'greylisted',
  'spam',
  'closed',
  'no-mailbox',
  'full-mailbox',
] as const;
type Fate = (typeof fates)[number];

/** What the mail server of the destination says to RCPT. */
const answers: Partial<Record<Fate, { readonly code: number; readonly text: string }>> = {
  unknown: { code: 550, text: '5.1.1 User unknown' },
  full: { code: 552, text: '5.2.2 Mailbox full' },
  refused: { code: 550, text: '5.7.1 No such user' },
  greylisted: { code: 451, text: '4.7.1 Greylisted, come back later' },
};

type Expected = Record<Fate, readonly [BounceClass, status: string]>;

const ofDestination = {
  unknown: ['hard', '5.1.1'],
  full: ['soft', '5.2.2'],
  refused: ['policy', '5.7.1'],
  greylisted: ['policy', '4.7.1'],
  spam: ['policy', '5.7.1'],
} as const;

const relays = [
  {
    name: 'Postfix',
    wanted: postfixWanted,
    start: startPostfix,
    expected: {
      ...ofDestination,
      closed: ['soft', '4.4.1'],
      'no-mailbox': ['hard', '5.1.1'],
      'full-mailbox': ['soft', '5.2.2'],
    } satisfies Expected,
  },
  {
    name: 'Exim',
    wanted: eximWanted,
    start: startExim,
    expected: {
      ...ofDestination,
      closed: ['soft', '5.0.0'],
      // "Unrouteable address" is said of domains that are away, too.
      'no-mailbox': ['soft', '5.0.0'],
      'full-mailbox': ['soft', '5.0.0'],
    } satisfies Expected,
  },
];

describe.each(relays)('bounces that $name makes', ({ name, wanted, start, expected }) => {
  const folder = mkdtempSync(join(home, 'programs-'));
  const { root, missing } = debianPrograms(wanted, folder);

  test.skipIf(root === undefined)(
    `are received, read and have their effect${missing ? `: ${missing}` : ''}`,
    async () => {
      const { of } = await queuedFor(database.db, fates.length);
      const receiver = await startedReceiver(database.db, closers);
      const addressOf = (fate: Fate): string => of(fates.indexOf(fate) + 1).email;
      const destination = await startSmtpReceiver({
        onRcpt: (address) => answers[fates.find((fate) => addressOf(fate) === address) ?? 'spam'],
        onData: () => ({ code: 554, text: '5.7.1 Looks like spam' }),
      });
      closers.push(() => destination.close());

      const [port = 0, closedPort = 0] = await ownPorts(2);
      const own = mkdtempSync(join(home, 'relay-'));
      const stop = await start(root ?? '', {
        folder: own,
        port,
        bounces: { domain: bounceDomain, port: receiver.port },
        destination: { domain: 'example.org', port: destination.port },
        closed: { address: addressOf('closed'), port: closedPort },
        unknown: addressOf('no-mailbox'),
        full: addressOf('full-mailbox'),
      });
      closers.push(stop);

      const relay = createTransport({ host: '127.0.0.1', port, ignoreTLS: true });
      for (const fate of fates) {
        const { email, bounce, messageId, token } = of(fates.indexOf(fate) + 1);
        await relay.sendMail({
          envelope: { from: bounce, to: email },
          from: 'News <news@example.com>',
          to: email,
          subject: 'Spring has come',
          messageId,
          list: { unsubscribe: `https://mail.example.com/u/${token}` },
          text: `The days grow longer. ${'And longer. '.repeat(200)}`,
        });
      }
      const rows = await waitFor(
        async () => {
          const received = await database.db.select().from(feedback).where(eq(feedback.state, 'new'));
          return received.length === fates.length ? received : undefined;
        },
        {
          timeoutMs: 120_000,
          describe: `${fates.length} bounces of ${name}`,
        },
      );

      // Each is read as what it is, and names the message that it is about.
      for (const row of rows) {
        const read = await readNotification(row.raw ?? Buffer.alloc(0));
        const position =
          fates.findIndex((_, index) => of(index + 1).bounce === row.envelopeTo.toLowerCase()) + 1;
        const { email, messageId, token } = of(position);
        const [meant, status] = expected[fates[position - 1] ?? 'unknown'];
        expect(read, fates[position - 1]).toEqual([
          expect.objectContaining({
            kind: 'bounce',
            class: meant,
            status,
            recipient: email,
            messageId,
            listUnsubscribe: `<https://mail.example.com/u/${token}>`,
          }),
        ]);
      }

      // And has the effect that it has to have on the person.
      while ((await processFeedback(database.db, 100, judging)).processed > 0);
      const events = await database.db.select().from(eventInbox).orderBy(asc(eventInbox.position));
      expect(events.map(({ position, detail }) => [position, detail])).toEqual(
        fates.map((fate, index) => [
          index + 1,
          expect.objectContaining({
            class: expected[fate][0],
            status: expected[fate][1],
            by: 'notification',
          }),
        ]),
      );
      while ((await processEvents(database.db, 100)).processed > 0);
      for (const fate of fates) {
        const [person] = await database.db
          .select()
          .from(contact)
          .where(eq(contact.emailKey, addressOf(fate)));
        const bounces = { hard: 6, soft: 1, policy: 0 }[expected[fate][0]];
        expect(person?.bounceCount, fate).toBe(bounces);
      }
      const suppressed = (await database.db.select().from(suppression)).map(({ emailKey }) => emailKey);
      const hard = fates.filter((fate) => expected[fate][0] === 'hard').map(addressOf);
      expect(suppressed.filter((key) => fates.some((fate) => addressOf(fate) === key)).sort()).toEqual(
        hard.sort(),
      );
    },
  );
});
