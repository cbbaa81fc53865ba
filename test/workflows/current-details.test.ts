import { describe, expect, it } from 'vitest';
import type { DispatchStatus } from '../../src/domain/dispatch.ts';
import { noTotals } from '../../src/domain/outcome.ts';
import { currentDetails } from '../../workflows/current-details.ts';

const status: DispatchStatus = {
  campaignId: 'autumn-7k3f',
  name: 'Autumn',
  state: 'Sending',
  subState: 'Sending',
  step: 'SendMessage',
  totals: noTotals,
  batches: { running: 0, finished: 0 },
  slots: 10,
};
const firstLine = (change: Partial<DispatchStatus>) =>
  currentDetails({ ...status, ...change }).split('\n')[0];

describe('the details of a campaign in the Web UI', () => {
  it.each([
    [{}, '**Autumn** is Sending, step SendMessage'],
    [{ subState: 'Paused' }, '**Autumn** is Sending (Paused), step SendMessage'],
    [{ subState: 'Finishing', step: 'MoveToSent' }, '**Autumn** is Sending (Finishing), step MoveToSent'],
    [{ state: 'Sent', subState: 'None', step: 'None' }, '**Autumn** is Sent'],
  ] as const)('name the state once, and the step that is being done: %o', (change, line) => {
    expect(firstLine(change)).toBe(line);
  });

  it('say that nobody is there to send only while somebody is to be sent to', () => {
    const waiting = { slots: 0, totals: { ...noTotals, queued: 3, remaining: 3 } };
    expect(currentDetails({ ...status, ...waiting })).toContain('No dispatcher is alive');
    expect(currentDetails({ ...status, slots: 0 })).not.toContain('No dispatcher is alive');
  });
});
