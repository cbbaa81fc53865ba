import { describe, expect, it } from 'vitest';
import { MailServerState } from '../../src/dispatch/mail-server-state.ts';

const threads = 10;

describe('a mail server', () => {
  it('gets no batch before it was looked at', () => {
    const mailServer = new MailServerState('unknown');
    expect(mailServer.slots(threads)).toBe(0);
    mailServer.reached();
    expect(mailServer.slots(threads)).toBe(threads);
  });

  it('that was away is well as soon as it gives a connection', () => {
    const mailServer = new MailServerState('well');
    mailServer.unreachable('gone');
    expect([mailServer.slots(threads), mailServer.health]).toEqual([0, 'gone']);
    mailServer.connected();
    expect([mailServer.slots(threads), mailServer.health]).toEqual([threads, 'ok']);
  });

  it('that takes connections and no messages gets one batch, and the others when it has answered a message', () => {
    const mailServer = new MailServerState('well');
    mailServer.takesNothing('451 not now');
    mailServer.connected();
    expect([mailServer.slots(threads), mailServer.health]).toEqual([0, '451 not now']);
    mailServer.reached();
    expect(mailServer.slots(threads)).toBe(1);
    mailServer.answered();
    expect(mailServer.slots(threads)).toBe(threads);
  });

  it('counts its relapses until it answers: several slots that see the same one are one', () => {
    const mailServer = new MailServerState('well');
    for (let relapse = 0; relapse < 3; relapse++) {
      mailServer.takesNothing('451 not now');
      mailServer.takesNothing('421 closing');
      mailServer.reached();
    }
    expect(mailServer.relapses).toBe(3);
    mailServer.answered();
    expect(mailServer.relapses).toBe(0);
  });

  it('tells of changes, and of nothing that is as before', () => {
    const told: string[] = [];
    const mailServer = new MailServerState('unknown');
    mailServer.onChange(() => told.push(`${mailServer.condition}: ${mailServer.health}`));
    mailServer.keepsWaiting('silent');
    mailServer.connected();
    mailServer.connected();
    mailServer.answered();
    mailServer.unreachable('gone');
    mailServer.unreachable('gone');
    expect(told).toEqual(['unknown: silent', 'well: ok', 'ill: gone']);
  });
});
