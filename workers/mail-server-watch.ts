import type { MailServerState } from '../src/dispatch/mail-server-state.ts';
import { SmtpSession } from '../src/smtp/session.ts';

/** How often an ill mail server is looked at again, milliseconds. */
const recheckIntervalMs = 5_000;
/** The same at the most, for one that takes connections and no messages: the pause doubles with each relapse. */
const longestRecheckMs = 60_000;
/** A mail server that does not greet within this time is waited for, and operators are told. Milliseconds. */
const greetingPatienceMs = 5_000;

/**
 * Looks at a dispatcher's mail server once at the start, and again for as long as it is ill, so that a mail server that
 * came back is known before a message is tried; and keeps the health in the table of servers true. What is written last
 * is what was heard last: one write at a time.
 */
export class MailServerWatch {
  /** What the table says; undefined where that is not known. */
  private written: string | undefined = 'ok';
  private writing = false;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  /** @param url undefined in emulation mode: there is nothing to watch */
  constructor(
    private readonly url: string | undefined,
    private readonly mailServer: MailServerState,
    private readonly setHealth: (health: string) => Promise<void>,
  ) {
    mailServer.onChange(() => this.heard());
  }

  /** Begins to look. */
  start(): void {
    void this.look();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private heard(): void {
    if (this.stopped) return;
    if (this.mailServer.condition === 'ill') this.lookAgain();
    if (!this.writing) void this.write();
  }

  private async look(): Promise<void> {
    if (this.url !== undefined) await this.lookAt(this.url);
    // One that was set meanwhile: there is one next look.
    clearTimeout(this.timer);
    this.timer = undefined;
    // Also where nothing has changed: it may be ill still, or what the table says may have failed to be written.
    this.heard();
  }

  private async lookAt(url: string): Promise<void> {
    const patience = setTimeout(
      () => this.mailServer.keepsWaiting('The mail server has not greeted yet.'),
      greetingPatienceMs,
    ).unref();
    try {
      const session = await SmtpSession.connect(url);
      session.close();
      this.mailServer.offers = session.offers;
      this.mailServer.reached();
    } catch (error) {
      this.mailServer.unreachable((error as Error).message);
    } finally {
      clearTimeout(patience);
    }
  }

  private lookAgain(): void {
    if (this.stopped || this.timer !== undefined) return;
    const { relapses } = this.mailServer;
    const pauseMs = Math.min(longestRecheckMs, recheckIntervalMs * 2 ** Math.max(0, relapses - 1));
    this.timer = setTimeout(() => void this.look(), pauseMs);
    this.timer.unref();
  }

  private async write(): Promise<void> {
    this.writing = true;
    try {
      while (!this.stopped && this.written !== this.mailServer.health) {
        const { health } = this.mailServer;
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
