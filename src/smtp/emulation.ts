import { setTimeout as delay } from 'node:timers/promises';
import type { Emulation } from '../message/content.ts';
import type { SmtpOffers } from './offers.ts';
import type { SmtpResult } from './reply.ts';
import type { MailSession } from './session.ts';

/** What an emulated mail server says to those that it refuses. */
export const emulatedRefusal = '550 5.0.0 emulated failure';

/** EXM's emulation mode: no SMTP; each message takes a random time and is refused with a given probability. */
export class EmulatedSession implements MailSession {
  readonly isOpen = true;
  readonly offers: SmtpOffers = { eightBitMime: true, smtpUtf8: true, sizeMaximum: undefined };

  constructor(
    private readonly emulation: Emulation,
    private readonly random: () => number = Math.random,
  ) {}

  async send(): Promise<SmtpResult> {
    const { minimumMs, maximumMs, failureProbability } = this.emulation;
    await delay(minimumMs + this.random() * (maximumMs - minimumMs));
    return this.random() < failureProbability
      ? { kind: 'rejected', reply: emulatedRefusal }
      : { kind: 'accepted', reply: '250 2.0.0 emulated' };
  }

  withdraw(): void {}

  close(): void {}
}
