import { it } from 'vitest';
import { fuzzNotifications } from '../feedback/fuzz.ts';

it('reads a hundred thousand cuts and splices of notifications without making anybody up', async () => {
  console.log(await fuzzNotifications(7, 100_000));
});
