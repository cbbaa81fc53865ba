import { SmtpSession } from '../src/smtp/session.ts';

/** How often an ill mail server is looked at again, milliseconds. */
const recheckIntervalMs = 5_000;

/**
 * Keeps a dispatcher's health in the table of servers true: looks at the mail server once at the start, and again
 * for as long as it is ill, so that a mail server that came back is known before a message is tried. What is written
 * last is what was heard last: one write at a time.
 */
export class MailServerWatch {
  private health = 'ok';
  /** What the table says; undefined where that is not known. */
  private written: string | undefined = 'ok';
  private writing = false;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  /** @param url undefined in emulation mode: there is nothing to watch */
  constructor(
    private readonly url: string | undefined,
    private readonly setHealth: (health: string) => Promise<void>,
  ) {}

  /** Begins to look. */
  start(): void {
    void this.look();
  }

  /** What a slot heard of the mail server: `ok`, or what is wrong. */
  heard(health: string): void {
    if (this.stopped) return;
    this.health = health;
    if (health !== 'ok') this.lookAgain();
    if (!this.writing) void this.write();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private async look(): Promise<void> {
    this.timer = undefined;
    if (this.url === undefined) return;
    try {
      (await SmtpSession.connect(this.url)).close();
      this.heard('ok');
    } catch (error) {
      this.heard((error as Error).message);
    }
  }

  private lookAgain(): void {
    if (this.stopped || this.timer !== undefined) return;
    this.timer = setTimeout(() => void this.look(), recheckIntervalMs);
    this.timer.unref();
  }

  private async write(): Promise<void> {
    this.writing = true;
    try {
      while (!this.stopped && this.written !== this.health) {
        const { health } = this;
        this.written = undefined;
        await this.setHealth(health);
        this.written = health;
      }
    } catch {
      // Where the database is away too, the next look says it again.
      this.lookAgain();
    } finally {
      this.writing = false;
    }
  }
}
