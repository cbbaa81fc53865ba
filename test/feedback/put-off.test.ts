import { expect, it } from 'vitest';
import { PutOff } from '../../src/feedback/put-off.ts';

it('what is put off again and again waits longer and longer, to an hour, and what was settled is forgotten', () => {
  let minute = 0;
  const putOff = new PutOff(() => minute * 60_000);
  const waited: number[] = [];
  for (let times = 1; times <= 8; times++) {
    putOff.add('7');
    const from = minute;
    while (putOff.ids().includes('7')) minute++;
    waited.push(minute - from);
  }
  expect(waited).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
  minute += 60;
  expect(putOff.ids()).toEqual([]);
  putOff.add('7');
  minute++;
  expect(putOff.ids()).toEqual([]);
});
