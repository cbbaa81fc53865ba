import { expect, it } from 'vitest';
import { wrap } from '../../src/cli/wrap.ts';

it('a text is broken between words where the terminal ends, and nowhere else', () => {
  expect(wrap('one two three', 2, 9)).toBe('  one two\n  three');
  expect(wrap('a-word-of-its-own and more', 0, 8)).toBe('a-word-of-its-own\nand more');
  expect(wrap('one two three', 2, Number.POSITIVE_INFINITY)).toBe('  one two three');
});
