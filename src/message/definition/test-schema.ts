import { z } from 'zod';
import { type WinnerMeasure, winnerMeasures } from '../../domain/ab-test.ts';
import { durationMs } from '../../domain/time-text.ts';
import type { WinnerRule } from '../content.ts';

/** Variants beside the campaign's own content, which is A: B to E. */
export const furtherVariants = 4;
/** A test whose winner is wanted later than this is no test of this campaign any more. Milliseconds. */
export const shortestTestMs = 1_000;
export const longestTestMs = 30 * 86_400_000;

const after = z.string('must be a time such as 30m, 4h or 2d').transform((text, context): number => {
  const ms = durationMs(text);
  if (ms === undefined) context.addIssue('must be a time such as 30m, 4h or 2d');
  else if (ms < shortestTestMs || ms > longestTestMs) context.addIssue('must be from 1s to 30d');
  else return ms;
  return z.NEVER;
});

const share = z.string('must be a percentage such as 20%').transform((text, context): number => {
  const [, number] = /^\s*(\d{1,3}(?:\.\d{1,2})?)\s*%\s*$/.exec(text) ?? [];
  const percent = Number(number);
  if (number === undefined) context.addIssue('must be a percentage such as 20%');
  else if (percent <= 0 || percent > 100) context.addIssue('must be above 0% and at most 100%');
  else return percent;
  return z.NEVER;
});

const isMeasure = (by: string): by is WinnerMeasure => winnerMeasures.some((one) => one === by);

const winner = z
  .strictObject(
    {
      by: z.enum(['hand', ...winnerMeasures], `must be ${winnerMeasures.join(', ')} or hand`),
      after: after.optional(),
    },
    'must say how the winner is chosen, such as {by: open-rate, after: 4h} or {by: hand}',
  )
  .transform(({ by, after: afterMs }, context): WinnerRule => {
    if (!isMeasure(by)) {
      if (afterMs === undefined) return { by };
      context.addIssue('must not have "after" where the winner is chosen by hand');
      return z.NEVER;
    }
    if (afterMs !== undefined) return { by, afterMs };
    context.addIssue('must say when the winner is chosen, such as {by: open-rate, after: 4h}');
    return z.NEVER;
  });

const byHand: WinnerRule = { by: 'hand' };

const testExample =
  '{share: 20%, variants: [{subject: "Another subject"}], winner: {by: open-rate, after: 4h}}';
export const whatATestIs = `A test is, in a campaign file, ${testExample}.`;

/**
 * The key `test` of a campaign file: an A/B (multivariate) test. A variant has keys of the campaign itself; what it
 * leaves out comes from there.
 */
export function abTestSchema<From extends z.ZodType, Body extends z.ZodRawShape>(
  from: From,
  body: z.ZodObject<Body>,
) {
  const variant = z.strictObject(
    {
      from: from.optional(),
      ...body.shape,
      bodies: z
        .record(z.string(), body, 'must be bodies by language, such as {de: {subject: "Hallo"}}')
        .default({}),
    },
    'must be what differs from the campaign, such as {subject: "Another subject"}',
  );
  const test = z.strictObject(
    {
      share,
      variants: z
        .array(variant, 'must be a list of what differs, such as [{subject: "Another subject"}]')
        .min(1, 'must have at least one variant: the campaign itself is A, the first one here B')
        .max(
          furtherVariants,
          `must have at most ${furtherVariants} variants, B to E: the campaign itself is A`,
        ),
      winner: winner.optional(),
    },
    `must be a test such as ${testExample}`,
  );
  // A test that goes to everybody leaves nobody for whom a winner could be chosen.
  const schema = test
    .refine(({ winner: given, share: percent }) => given !== undefined || percent === 100, {
      path: ['winner'],
      error: 'is missing',
    })
    .transform(({ winner: given, ...rest }) => ({ ...rest, winner: given ?? byHand }));
  return {
    schema,
    keysKnownAt: (path: readonly PropertyKey[]) =>
      keysKnownAt(path, Object.keys(variant.shape), Object.keys(body.shape)),
  };
}

/** Keys known at a place below `test`. */
function keysKnownAt(
  [key, , bodies, language]: readonly PropertyKey[],
  ofVariant: string[],
  ofBody: string[],
): string[] {
  if (key === undefined) return ['share', 'variants', 'winner'];
  if (key === 'winner') return ['by', 'after'];
  return bodies === 'bodies' && language !== undefined ? ofBody : ofVariant;
}
