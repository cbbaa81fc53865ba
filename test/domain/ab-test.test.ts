import { describe, expect, test } from 'vitest';
import {
  bestVariant,
  figuresInWords,
  hasNoData,
  letterOf,
  lettersOf,
  type VariantFigures,
  variantOf,
} from '../../src/domain/ab-test.ts';

const variant = (number: number, change: Partial<VariantFigures>): VariantFigures => ({
  variant: number,
  recipients: 100,
  sent: 100,
  opened: 0,
  clicked: 0,
  value: 0,
  ...change,
});

describe('the winner of an A/B test', () => {
  test('is the variant whose recipients did most of what is measured, by rate and not by number', () => {
    const figures = [
      variant(0, { opened: 30, clicked: 1, value: 100 }),
      variant(1, { sent: 50, opened: 20, clicked: 2, value: 10 }),
      variant(2, { opened: 10, clicked: 10, value: 0 }),
    ];
    expect(bestVariant(figures, 'open-rate')).toBe(1);
    expect(bestVariant(figures, 'click-rate')).toBe(2);
    expect(bestVariant(figures, 'value-per-visit')).toBe(0);
  });

  test('of a tie is the one with the higher click rate, then the higher open rate, then the first letter', () => {
    expect(bestVariant([variant(0, { opened: 9 }), variant(1, { opened: 9, clicked: 1 })], 'open-rate')).toBe(
      1,
    );
    expect(
      bestVariant(
        [variant(0, { clicked: 3, opened: 4 }), variant(1, { clicked: 3, opened: 5 })],
        'click-rate',
      ),
    ).toBe(1);
    expect(
      bestVariant([variant(0, { clicked: 3 }), variant(1, { clicked: 4, opened: 5 })], 'value-per-visit'),
    ).toBe(1);
    expect(bestVariant([variant(1, { opened: 9 }), variant(0, { opened: 9 })], 'open-rate')).toBe(0);
    // A third and a third are the same, however they are counted.
    expect(
      bestVariant([variant(0, { sent: 3, opened: 1 }), variant(1, { sent: 9, opened: 3 })], 'open-rate'),
    ).toBe(0);
  });

  test('is A where nobody did anything, and where nobody got it', () => {
    const nothing = [variant(0, {}), variant(1, {})];
    const nobody = [variant(0, { sent: 0 }), variant(1, { sent: 0 })];
    for (const measure of ['open-rate', 'click-rate', 'value-per-visit'] as const) {
      expect(bestVariant(nothing, measure)).toBe(0);
      expect(bestVariant(nobody, measure)).toBe(0);
      expect(hasNoData(nothing, measure)).toBe(true);
    }
    expect(hasNoData([variant(0, { opened: 1 }), variant(1, {})], 'open-rate')).toBe(false);
  });

  test('is told apart also where figures are larger than a number holds', () => {
    const large = { sent: 9_000_001, clicked: 9_000_001, value: 9_000_000_000_000_000 };
    expect(
      bestVariant([variant(0, large), variant(1, { ...large, value: large.value + 2 })], 'value-per-visit'),
    ).toBe(1);
  });
});

test('figures are told in words', () => {
  const figures = [variant(0, { opened: 20, clicked: 4, value: 10 }), variant(1, { sent: 0 })];
  expect(figuresInWords(figures, 'open-rate')).toBe('open rate: A 20.0 % (20 of 100), B 0.0 % (0 of 0)');
  expect(figuresInWords(figures, 'value-per-visit')).toBe(
    'value per visit: A 2.50 (10 by 4 visitors), B 0.00 (0 by 0 visitors)',
  );
});

test('variants are called by letters', () => {
  expect([letterOf(0), letterOf(4), lettersOf(3)]).toEqual(['A', 'E', 'A to C']);
  expect(['A', 'c', 'D', 'AB', '', '1', 'é'].map((letter) => variantOf(letter, 3))).toEqual([
    0,
    2,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
