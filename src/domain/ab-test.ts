/** The rules of A/B (multivariate) tests: who gets which variant, and which variant wins. */

/** Variants have letters, as EXM's do: 0 is A, the campaign's own content. */
export function letterOf(variant: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + variant);
}

/** @returns the variant of a letter, of either case; undefined where a test of so many variants has no such one */
export function variantOf(letter: string, variants: number): number | undefined {
  if (!/^[a-z]$/i.test(letter)) return undefined;
  const variant = letter.toUpperCase().charCodeAt(0) - 'A'.charCodeAt(0);
  return variant < variants ? variant : undefined;
}

/** `A to C` */
export function lettersOf(variants: number): string {
  return variants === 1 ? 'A' : `A to ${letterOf(variants - 1)}`;
}

/** By what the recipients of the test do a winner is chosen. */
export const winnerMeasures = ['open-rate', 'click-rate', 'value-per-visit'] as const;
export type WinnerMeasure = (typeof winnerMeasures)[number];

export const measuresInWords: Readonly<Record<WinnerMeasure, string>> = {
  'open-rate': 'open rate',
  'click-rate': 'click rate',
  'value-per-visit': 'value per visit',
};

/** What the recipients of one variant did. */
export interface VariantFigures {
  readonly variant: number;
  /** Recipients it was dealt to, or who get it as the winner. */
  readonly recipients: number;
  readonly sent: number;
  /**
   * Different recipients who opened it: by their mail program, by their mailbox provider's image proxy, or as far as a click tells.
   */
  readonly opened: number;
  /** Different recipients of whom a click by a person is known. */
  readonly clicked: number;
  /** Values of the goals reached, each once for each recipient. */
  readonly value: number;
}

/** A measure as a fraction, so that nothing is lost before two are compared. */
export interface Fraction {
  readonly of: number;
  readonly by: number;
}

export function measureOf(figures: VariantFigures, measure: WinnerMeasure): Fraction {
  const { sent, opened, clicked, value } = figures;
  return {
    'open-rate': { of: opened, by: sent },
    'click-rate': { of: clicked, by: sent },
    'value-per-visit': { of: value, by: clicked },
  }[measure];
}

/** As a number; 0 where there is nothing to divide by. */
export function rateOf({ of, by }: Fraction): number {
  return by === 0 ? 0 : of / by;
}

/**
 * The variant whose recipients did best. A tie goes to the higher click rate, then to the higher open rate, then to the
 * first letter; so it is A where nobody did anything.
 */
export function bestVariant(figures: readonly VariantFigures[], measure: WinnerMeasure): number {
  const measures: readonly WinnerMeasure[] = [measure, 'click-rate', 'open-rate'];
  const [best] = [...figures].sort((a, b) => {
    for (const one of measures) {
      const difference = compare(measureOf(b, one), measureOf(a, one));
      if (difference !== 0) return difference;
    }
    return a.variant - b.variant;
  });
  return best?.variant ?? 0;
}

/** Exact: sums of values times numbers of recipients are beyond what a number holds. */
function compare(a: Fraction, b: Fraction): number {
  const left = a.by === 0 ? 0n : BigInt(a.of) * BigInt(b.by || 1);
  const right = b.by === 0 ? 0n : BigInt(b.of) * BigInt(a.by || 1);
  return left === right ? 0 : left > right ? 1 : -1;
}

/** `open rate: A 20.0 % (20 of 100), B 25.0 % (25 of 100)` */
export function figuresInWords(figures: readonly VariantFigures[], measure: WinnerMeasure): string {
  const ofEach = figures.map(
    (one) => `${letterOf(one.variant)} ${fractionInWords(measureOf(one, measure), measure)}`,
  );
  return `${measuresInWords[measure]}: ${ofEach.join(', ')}`;
}

export function fractionInWords(fraction: Fraction, measure: WinnerMeasure): string {
  const rate = rateOf(fraction);
  return measure === 'value-per-visit'
    ? `${rate.toFixed(2)} (${fraction.of} by ${fraction.by} visitors)`
    : `${(100 * rate).toFixed(1)} % (${fraction.of} of ${fraction.by})`;
}

/** Where nobody did what is measured the choice rests on the rule for ties. */
export function hasNoData(figures: readonly VariantFigures[], measure: WinnerMeasure): boolean {
  return figures.every((one) => measureOf(one, measure).of === 0);
}

/** What a campaign waits for whose A/B test is out, and what a person may type. */
export function waitsForWinner(campaignId: string, dueAt: Date | undefined): string {
  const choose = `"exm campaign winner ${campaignId} B"`;
  return dueAt === undefined
    ? `waits for a person to choose the winner of the A/B test: ${choose} makes it variant B`
    : `waits for the winner of the A/B test until ${dueAt.toISOString().slice(0, 19).replace('T', ' ')} UTC; ${choose} chooses one now`;
}
