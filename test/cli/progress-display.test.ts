import { expect, test } from 'vitest';
import { ProgressDisplay } from '../../src/cli/progress-display.ts';
import type { Totals } from '../../src/domain/outcome.ts';

const totals = (queued: number, sent: number): Totals => ({
  queued,
  sent,
  failed: 0,
  skipped: 0,
  cancelled: 0,
  inDoubt: 0,
  remaining: queued - sent,
});

/** A display where no terminal is, and what it says there. */
function displayOnLines(): { display: ProgressDisplay; lines: readonly string[] } {
  const lines: string[] = [];
  const display = new ProgressDisplay({
    json: false,
    interactive: false,
    result: () => undefined,
    note: (line) => lines.push(line),
  });
  return { display, lines };
}

test('counts nothing before somebody is queued, and says once what is under way', () => {
  const { display, lines } = displayOnLines();
  display.show('Queuing', totals(0, 0), null);
  display.show('Queuing', totals(0, 0), null);
  display.show('Queuing (Paused)', totals(0, 0), 'ShopIsOpen: the shop answers 503');
  display.show('Queuing', totals(0, 0), null);
  display.show('Sending', totals(4, 0), null);
  display.end();
  expect(lines).toEqual([
    'Queuing',
    'Queuing (Paused): ShopIsOpen: the shop answers 503',
    'Queuing',
    'Sending: 0 of 4, 0 sent, 0/s, time left unknown',
  ]);
});

test('says why a campaign is held, and no pace then', () => {
  const { display, lines } = displayOnLines();
  display.show('Sending (Paused)', totals(4, 1), 'wrong price');
  display.end();
  expect(lines).toEqual(['Sending (Paused): 1 of 4, 1 sent, wrong price']);
});
