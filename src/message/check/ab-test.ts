import { letterOf, winnerMeasures } from '../../domain/ab-test.ts';
import { canonicalJson } from '../canonical-json.ts';
import type { CampaignDefinition, VariantDefinition } from '../content.ts';
import { furtherVariants, longestTestMs, shortestTestMs, whatATestIs } from '../definition/test-schema.ts';
import type { DefinitionPath, Locate } from '../locate.ts';
import type { Finding } from './findings.ts';

/**
 * Looks at a campaign's A/B test: what a file cannot say, and a program can, is an error; so is nothing else, but variants
 * that are the same, or a winner by goals that are not there, may not be meant.
 */
export function checkAbTest(definition: CampaignDefinition, locate: Locate): Finding[] {
  const { test } = definition;
  if (test === undefined) return [];
  const error = (path: DefinitionPath, message: string): Finding => ({
    severity: 'error',
    code: 'CAMPAIGN_VALUE',
    where: locate(path),
    message,
    hint: whatATestIs,
  });
  const findings: Finding[] = [];
  const { share, variants, winner } = test;
  if (!(share > 0 && share <= 100))
    findings.push(
      error(
        ['test', 'share'],
        `the share of an A/B test must be above 0 and at most 100 percent; it is ${share}.`,
      ),
    );
  if (variants.length < 1 || variants.length > furtherVariants) {
    const message = `an A/B test must have 1 to ${furtherVariants} variants besides the campaign's own; it has ${variants.length}.`;
    findings.push(error(['test', 'variants'], message));
  }
  if (winner.by !== 'hand') {
    const { by, afterMs } = winner;
    if (!winnerMeasures.includes(by))
      findings.push(error(['test', 'winner'], `an A/B test cannot be won by ${JSON.stringify(by)}.`));
    if (!(afterMs >= shortestTestMs && afterMs <= longestTestMs)) {
      const message = `the winner of an A/B test must be chosen after ${shortestTestMs} to ${longestTestMs} milliseconds; it is ${afterMs}.`;
      findings.push(error(['test', 'winner'], message));
    }
  }
  if (winner.by === 'value-per-visit' && definition.goals.length === 0)
    findings.push({
      severity: 'warning',
      code: 'WINNER_WITHOUT_GOALS',
      where: locate(['test', 'winner']),
      message: 'the winner is chosen by the value of goals, but the campaign has none: each variant gets 0.',
      hint: 'Add goals: [{name: order, url: "https://example.com/autumn", value: 10}], or choose by open-rate or click-rate.',
    });
  const languages = Object.keys(definition.bodies).sort().join();
  for (const [index, variant] of variants.entries()) {
    if (Object.keys(variant.bodies).sort().join() === languages) continue;
    const message = `variant ${letterOf(index + 1)} must have a body in each language of the campaign: ${languages}.`;
    findings.push(error(['test', 'variants', index], message));
  }
  return [...findings, ...sameVariants(definition, variants, locate)];
}

/** Two variants that are the same tell nothing apart. */
function sameVariants(
  { from, bodies }: CampaignDefinition,
  variants: readonly VariantDefinition[],
  locate: Locate,
): Finding[] {
  const seen = new Map([[canonicalJson({ from, bodies }), 'A']]);
  return variants.flatMap((variant, index) => {
    const what = canonicalJson({ from: variant.from ?? from, bodies: variant.bodies });
    const same = seen.get(what);
    seen.set(what, same ?? letterOf(index + 1));
    if (same === undefined) return [];
    return {
      severity: 'warning' as const,
      code: 'VARIANT_SAME',
      where: locate(['test', 'variants', index]),
      message: `variant ${letterOf(index + 1)} is the same as ${same}: whichever wins, nothing is learnt.`,
      hint: 'Give it another subject, sender or template.',
    };
  });
}
