import type { Database } from '../../db/connect.ts';
import { countUnclear, unclearInWords } from '../../feedback/list-feedback.ts';
import { type Check, warning } from './check.ts';

/** Whether anything that came back by mail waits for a person. */
export async function checkFeedback(db: Database): Promise<Check[]> {
  const unclear = await countUnclear(db);
  if (unclear === 0) return [];
  return [
    warning(
      'Feedback',
      unclearInWords(unclear),
      '"exm feedback ls --unclear" lists what a person has to decide.',
    ),
  ];
}
