import { SmtpSession } from '../src/smtp/session.ts';

/** How often an ill mail server is looked at again, milliseconds. */
const recheckIntervalMs = 5_000;

export interface MailServerWatch {
  /** What a slot heard of the mail server: `ok`, or what is wrong. */
  heard(health: string): void;
  stop(): void;
}

/**
 * Keeps a dispatcher's health in the table of servers true: looks at the mail server once at the start, and again
 * for as long as it is ill, so that a mail server that came back is known before a message is tried.
 *
 * @param url undefined in emulation mode: there is nothing to watch
 */
export function startMailServerWatch(
  url: string | undefined,
  setHealth: (health: string) => Promise<void>,
): MailServerWatch {
  let health = 'ok';
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const heard = (next: string) => {
    if (next !== 'ok') lookAgain();
    if (next === health) return;
    health = next;
    // Where the database is away too, the next look says it again.
    setHealth(next).catch(() => {
      health = '';
    });
  };
  const look = async () => {
    timer = undefined;
    if (url === undefined) return;
    try {
      (await SmtpSession.connect(url)).close();
      heard('ok');
    } catch (error) {
      heard((error as Error).message);
    }
  };
  const lookAgain = () => {
    if (stopped || timer !== undefined) return;
    timer = setTimeout(() => void look(), recheckIntervalMs);
  };
  void look();
  return {
    heard,
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
