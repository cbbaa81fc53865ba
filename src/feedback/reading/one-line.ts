import { withoutAddresses } from '../../domain/error-message.ts';
import { wordsMaximum } from './limits.ts';

/** A text that others wrote as it is kept: one line, bounded, without what could turn its direction, and without addresses. */
export function oneLine(text: string): string {
  const line = text
    .slice(0, 4 * wordsMaximum)
    .toWellFormed()
    .replace(/[\s\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim();
  return withoutAddresses(line).slice(0, wordsMaximum).toWellFormed().trim();
}
