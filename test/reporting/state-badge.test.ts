import { expect, it } from 'vitest';
import { stateBadge } from '../../src/reporting/pages/state-badge.ts';

it.each([
  ['Sending', 'Sending', 'Sending', 'busy'],
  ['Sending', 'Paused', 'Sending · Paused', 'held'],
  ['Sent', 'None', 'Sent', 'good'],
  ['Sent', 'Paused', 'Sent · Paused', 'held'],
] as const)('a campaign that is %s and %s has the badge "%s", %s', (state, subState, text, colour) => {
  expect(String(stateBadge(state, subState))).toBe(`<span class="badge ${colour}">${text}</span>`);
});
