import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EmulatedSession } from '../../src/smtp/emulation.ts';
import { SmtpSession } from '../../src/smtp/session.ts';
import { SessionPool } from '../../src/smtp/session-pool.ts';
import { type SmtpReceiver, startSmtpReceiver } from '../support/smtp-receiver.ts';
import { waitFor } from '../support/wait-for.ts';

describe('the pool of SMTP sessions', () => {
  let receiver: SmtpReceiver;
  let pool: SessionPool;
  beforeEach(async () => {
    receiver = await startSmtpReceiver();
    pool = new SessionPool(async () => await SmtpSession.connect(receiver.url));
  });
  afterEach(async () => {
    pool.close();
    await receiver.close();
  });

  it('lends a connection that was given back to the next who asks', async () => {
    const one = await pool.acquire();
    pool.release(one);
    expect(await pool.acquire()).toBe(one);
    expect(receiver.connections).toBe(1);
    pool.release(one);
  });

  it('lends each connection to one at a time', async () => {
    const [one, two] = await Promise.all([pool.acquire(), pool.acquire()]);
    expect(one).not.toBe(two);
    pool.release(one);
    pool.release(two);
  });

  it('never lends a session that it did not make: emulation stays with the campaign that asked for it', async () => {
    pool.release(new EmulatedSession({ minimumMs: 0, maximumMs: 0, failureProbability: 0 }));
    const session = await pool.acquire();
    expect(session).toBeInstanceOf(SmtpSession);
    pool.release(session);
  });

  it('opens another connection where the server has closed the one that was given back', async () => {
    const one = await pool.acquire();
    pool.release(one);
    receiver.cutConnections();
    await waitFor(() => !one.isOpen, { describe: 'the break to be noticed' });
    const two = await pool.acquire();
    expect(two).not.toBe(one);
    expect(two.isOpen).toBe(true);
    pool.release(two);
  });
});
