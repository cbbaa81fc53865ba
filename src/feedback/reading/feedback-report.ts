import { type Fields, readFields } from './fields.ts';
import { recipientsMaximum } from './limits.ts';
import type { About, Notification } from './notification.ts';
import { oneLine } from './one-line.ts';
import type { Part } from './part.ts';
import { addressIn } from './recipient.ts';

/** Of IANA's registry, and what was proposed for it and is sent: a person said that this mail is not wanted. */
const complaints = new Set(['abuse', 'fraud', 'opt-out', 'opt-out-list', 'miscategorized', 'unsubscribe']);
/** Reports in which no person says no. */
const noComplaints = new Set(['not-spam', 'auth-failure', 'dmarc', 'tlsrpt', 'smtp-tls']);

/** RFC 5965. One about several recipients gives several. */
export function readFeedbackReport(part: Part, original: About): readonly Notification[] {
  const { fields } = readFields(part.body);
  const type = /^[a-z-]{1,60}/.exec(fields.first('feedback-type')?.toLowerCase() ?? '')?.[0];
  if (type === undefined) return [{ kind: 'unclear', why: 'a feedback report without Feedback-Type' }];
  const isComplaint = complaints.has(type);
  if (!isComplaint && !noComplaints.has(type)) {
    return [{ kind: 'unclear', why: `a feedback report of the type "${oneLine(type)}"` }];
  }
  const found = recipientsOf(fields);
  return (found.length === 0 ? [undefined] : found).map((recipient) => ({
    kind: isComplaint ? 'complaint' : 'nothing',
    ...original,
    recipient,
    text: type,
  }));
}

/** Who complained, where the report tells: many providers do not. */
function recipientsOf(fields: Fields): string[] {
  for (const name of ['original-rcpt-to', 'removal-recipient', 'final-recipient', 'redacted-address']) {
    const found = fields
      .every(name)
      .slice(0, recipientsMaximum)
      .map((value) => addressIn(value.replace(/^rfc822\s*;/i, '')))
      .filter((address) => address !== undefined);
    if (found.length > 0) return [...new Set(found)];
  }
  return [];
}
