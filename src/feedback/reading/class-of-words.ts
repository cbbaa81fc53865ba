import type { BounceClass } from '../../domain/feedback.ts';
import {
  hardWords,
  policyPlaces,
  policyWords,
  providerWords,
  softWords,
  tooLargeWords,
} from './known-words.ts';

/**
 * What a mail server's words say, by what mail servers are known to say; undefined where that is nothing. The order decides in
 * doubt: first what one provider says in just these words, then what is about us, then what is about now, and last what is about
 * the person.
 */
export function classOfWords(text: string): BounceClass | undefined {
  const all = text.toLowerCase().replace(/\s+/g, ' ');
  for (const [says, meant] of providerWords) if (says.test(all)) return meant;
  if (policyPlaces.test(all)) return 'policy';
  // Names within addresses and links are no words: spam@example.com, https://example.com/unknown-user.
  const words = withoutNames(all);
  if (policyWords.test(words) || tooLargeWords.test(words)) return 'policy';
  if (softWords.test(words)) return 'soft';
  return hardWords.test(words) && !aboutSender.test(words) && !inDoubt.test(words) ? 'hard' : undefined;
}

/** "No such user" may be about whoever sends. */
const aboutSender =
  /\bsenders?\b|\bsending\b|\bmail from\b|\breturn[- ]path\b|\boriginator|\bfrom address|\byour (?:address|domain|host|ip|server)\b/;

/** Who guesses, or names several reasons, does not know; and some servers say "no such user" when they dislike a content. */
const inDoubt =
  /\bmay (?:be|not|have)\b|\bmight\b|perhaps|possibl|il se peut|peut-être|vielleicht|möglicherweise|(?:in reply to|after) (?:the )?(?:end of )?data\b/;

/** What two providers say of whatever another server answered, which they quote behind it: no words of its own. */
const prefaces =
  /remote server returned unknown recipient or mailbox unavailable|invalid address, error_code/g;

function withoutNames(text: string): string {
  return text
    .replace(prefaces, ' ')
    .replace(/https?:\/\/\S*/g, ' ')
    .replace(/[^\s<>"'(),;:]{1,255}@[^\s<>"'(),;:]{1,255}/g, ' _ ');
}
