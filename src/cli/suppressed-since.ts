import type { SuppressionEntry } from '../contacts/consent/refusals.ts';
import { printable } from './printable.ts';

/** `2026-05-31 10:00`, UTC. */
export const minute = (at: Date) => at.toISOString().slice(0, 16).replace('T', ' ');

/** `since 2026-05-31 10:00, hard-bounce: 1 hard bounce, the last of autumn-7k3f` */
export function suppressedSince({ since, cause, reason }: SuppressionEntry): string {
  return `since ${minute(since)}, ${cause}: ${printable(reason)}`;
}
