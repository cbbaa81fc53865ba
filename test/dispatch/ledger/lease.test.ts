import { describe, expect, it } from 'vitest';
import { Lease } from '../../../src/dispatch/ledger/lease.ts';

const hourMs = 3_600_000;
const lease = () => new Lease({ campaignId: 'c', batch: 1, lease: 1, word: 'go', now: 0 });

describe('a pause of a slot', () => {
  it('ends when its batch is told to stop', async () => {
    const told = lease();
    const pause = told.pause(hourMs);
    told.tell('drain');
    expect(await pause).toBeUndefined();
  });

  it('does not begin where its batch was told to stop before', async () => {
    const told = lease();
    told.tell('drain');
    expect(await told.pause(hourMs)).toBeUndefined();
  });
});
