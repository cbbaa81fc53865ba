import { hostname, userInfo } from 'node:os';

/** Who runs this command, for the audit trail: `user@host`. */
export function actor(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // A user id without an entry, as in some containers.
    return `uid ${process.getuid?.() ?? '?'}@${hostname()}`;
  }
}
