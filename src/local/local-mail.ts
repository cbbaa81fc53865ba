import type { Environment } from '../config/environment.ts';

/**
 * Where nothing says who sends confirmations and what bounces come back to: names that are no machine's but this one's (RFC
 * 6761), so that forms to subscribe, preferences and bounces work at once. Only where the mail catcher takes all mail: a real
 * mail server must never be given mail of a sender that nobody chose.
 */
const localDefaults = {
  EXM_SENDER: 'Your newsletter <newsletter@exm.localhost>',
  EXM_BOUNCE_DOMAIN: 'bounces.localhost',
} as const;

/**
 * @param given the real environment: what it says stands. With a public address of its own it is an installation, where
 * dispatchers on other hosts may send, and gets no default.
 */
export function localMailDefaults(given: Environment): Record<string, string> {
  if (given['EXM_BASE_URL']) return {};
  const missing = Object.entries(localDefaults).filter(([name]) => !given[name]);
  return Object.fromEntries(missing);
}
