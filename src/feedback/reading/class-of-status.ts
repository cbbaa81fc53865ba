import type { BounceClass } from '../../domain/feedback.ts';
import { isGeneric, type StatusCode, statusText } from './status-code.ts';

/** `by-words`: the code alone says too little, or is used for several things; without known words it is soft. */
export type ClassOfStatus = BounceClass | 'by-words';

/** Codes 5.X.X of RFC 3463 and of IANA's registry that say something about the person, or nothing at all about them. */
const classes: Readonly<Record<string, ClassOfStatus>> = {
  '5.1.1': 'hard', // no such mailbox
  '5.1.3': 'hard', // no such form of mailbox there
  '5.1.6': 'hard', // moved, and nobody knows where
  '5.1.10': 'hard', // RFC 7505: the domain takes no mail; at Microsoft no such recipient
  // A domain that is not found may be back tomorrow, and nobody's reputation suffers from asking again.
  '5.1.2': 'soft',
  '5.1.4': 'soft', // several that it could be
  '5.1.5': 'by-words',
  '5.1.7': 'policy', // our address, in form
  '5.1.8': 'policy', // our domain
  '5.1.90': 'policy', // Microsoft: our daily limit
  // Disabled for good, or until somebody pays or makes room.
  '5.2.1': 'by-words',
  '5.2.2': 'soft', // full
  '5.2.3': 'policy', // our message is too large
  '5.2.4': 'soft', // a list of theirs
  '5.3.4': 'policy', // our message is too large
  '5.4.1': 'by-words', // no answer; at Microsoft no such recipient
  '5.4.5': 'policy', // congestion; at Google and Zoho our limit
};

/** Decides for a code of any class; a class 4 is not hard whatever its subject. */
export function classOfStatus(code: StatusCode): ClassOfStatus {
  const { subject } = code;
  if (subject === 7 || subject === 6) return 'policy'; // our server; the form of our message
  const known = classes[statusText({ ...code, class: 5 })];
  if (known !== undefined) return known;
  if (isGeneric(code) || subject === 1 || subject === 2 || subject === 5 || subject > 7) return 'by-words';
  return 'soft'; // 3: the mail system, 4: the way to it
}
