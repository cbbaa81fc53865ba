import { expect, it } from 'vitest';
import { fuzzNotifications } from './fuzz.ts';

it('reads five thousand cuts and splices of all samples without making anybody up', async () => {
  const counts = await fuzzNotifications(1, 5_000);
  // Else nothing would have been tried.
  for (const kind of ['hard', 'soft', 'policy', 'complaint', 'nothing', 'unclear']) {
    expect(counts[kind], kind).toBeGreaterThan(20);
  }
});
