import { nothingOffered, type SmtpOffers } from '../smtp/offers.ts';

/** `unknown` until it was looked at; `ill` gets no work; `trial` gets one batch, to see whether it takes messages again. */
export type MailServerCondition = 'unknown' | 'well' | 'ill' | 'trial';

/**
 * What a dispatcher process knows of its mail server, from all its threads and from those who look at it. Decides how many
 * batches at once the process may have, and how many threads they may use: a host without its mail server leaves them to others.
 *
 * One that could not be connected to is well as soon as it can. One that takes connections and no messages is believed
 * only when it has answered one: until then it is tried with one batch, ever more seldom.
 */
export class MailServerState {
  condition: MailServerCondition;
  /** What is wrong, in a sentence, or `ok`. */
  health = 'ok';
  /** How often in a row it became ill with messages, and never answered one in between. */
  relapses = 0;
  /** What it offered when it was last connected to: messages are composed for it before there is a connection. */
  offers: SmtpOffers = nothingOffered;
  private takesConnections = true;
  private readonly listeners: (() => void)[] = [];

  /** @param condition `well` where there is none to look at: emulation */
  constructor(condition: 'unknown' | 'well') {
    this.condition = condition;
  }

  /** Batches and tests that the process may have at once, or threads that it may use: `most` where nothing is wrong. */
  slots(most: number): number {
    switch (this.condition) {
      case 'well':
        return most;
      case 'trial':
        return Math.min(1, most);
      case 'unknown':
      case 'ill':
        return 0;
    }
  }

  /** Calls back with each change. */
  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** It was looked at, and takes its time to answer. */
  keepsWaiting(health: string): void {
    if (this.condition === 'unknown') this.become('unknown', health);
  }

  /** It gives no connection. */
  unreachable(health: string): void {
    this.takesConnections = false;
    this.relapses = 0;
    this.become('ill', health);
  }

  /** It loses connections, or says "later" to everybody, instead of taking messages. */
  takesNothing(health: string): void {
    if (this.condition !== 'ill') this.relapses++;
    this.takesConnections = true;
    this.become('ill', health);
  }

  /** A thread got a connection: all that is wrong where there was none before. */
  connected(): void {
    if (this.condition === 'unknown' || (this.condition === 'ill' && !this.takesConnections))
      this.become('well', 'ok');
  }

  /** Somebody looked whether it gives a connection, and it does: time to try it again, whatever it was ill with. */
  reached(): void {
    this.connected();
    if (this.condition === 'ill') this.become('trial', 'ok');
  }

  /** It answered a message, whatever it said. */
  answered(): void {
    this.relapses = 0;
    if (this.condition !== 'well') this.become('well', 'ok');
  }

  private become(condition: MailServerCondition, health: string): void {
    if (this.condition === condition && this.health === health) return;
    this.condition = condition;
    this.health = health;
    for (const listener of this.listeners) listener();
  }
}
