import type { MailSession } from './session.ts';

/** A session that nobody asked for in this time is closed: servers close idle connections themselves, and less politely. */
const idleTimeoutMs = 5_000;

/** Keeps a process's connections from one batch to the next. At most as many as there are threads are in use. */
export class SessionPool {
  /** Only these are kept: an emulated session that got in here would swallow another campaign's mail. */
  private readonly made = new WeakSet<MailSession>();
  private readonly idle: { readonly session: MailSession; readonly timer: NodeJS.Timeout }[] = [];

  constructor(private readonly connect: () => Promise<MailSession>) {}

  /** An open session for the caller alone. @throws what `connect` throws */
  async acquire(): Promise<MailSession> {
    for (let kept = this.idle.pop(); kept !== undefined; kept = this.idle.pop()) {
      clearTimeout(kept.timer);
      if (kept.session.isOpen) return kept.session;
    }
    const session = await this.connect();
    this.made.add(session);
    return session;
  }

  /** Gives a session back, to be used again or closed. */
  release(session: MailSession): void {
    if (!this.made.has(session)) {
      session.close();
      return;
    }
    // Whoever takes it next has other messages than the one that was announced.
    session.withdraw();
    if (!session.isOpen) return;
    const kept = {
      session,
      timer: setTimeout(() => {
        this.idle.splice(this.idle.indexOf(kept), 1);
        session.close();
      }, idleTimeoutMs),
    };
    this.idle.push(kept);
  }

  /** Closes what is idle. */
  close(): void {
    for (const { session, timer } of this.idle.splice(0)) {
      clearTimeout(timer);
      session.close();
    }
  }
}
