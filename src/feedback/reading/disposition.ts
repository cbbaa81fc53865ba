import { readFields } from './fields.ts';
import type { About, Notification } from './notification.ts';
import { oneLine } from './one-line.ts';
import { messageIdIn } from './original.ts';
import type { Part } from './part.ts';
import { recipientIn } from './recipient.ts';

/** RFC 8098: a message was displayed or deleted. Whoever opens or deletes a message says nothing about getting others. */
export function readDisposition(part: Part, original: About): Notification {
  const { fields } = readFields(part.body);
  const messageId = messageIdIn(fields.first('original-message-id')) ?? original.messageId;
  const recipient =
    recipientIn(fields.first('original-recipient')) ?? recipientIn(fields.first('final-recipient'));
  const text = oneLine(fields.first('disposition') ?? 'disposition');
  return { kind: 'nothing', ...original, messageId, recipient, text };
}
