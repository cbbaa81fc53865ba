import type { Fields } from './fields.ts';
import type { About } from './notification.ts';
import { headerIn, type Part, partsOf } from './part.ts';

/** Types in which a message, or its header, comes back: RFC 3462, RFC 6533, RFC 2046. */
const originalTypes = new Set([
  'message/rfc822',
  'message/global',
  'text/rfc822-headers',
  'message/rfc822-headers',
  'message/global-headers',
]);

/** What a message that came back tells of the one that it is about, by a part that holds it or its header. */
export function originalOf(message: Part): { readonly about: About; readonly fields: Fields } | undefined {
  for (const part of partsOf(message)) {
    if (!originalTypes.has(part.type)) continue;
    const fields = headerIn(part.body);
    if (!fields.isEmpty) return { about: aboutOf(fields), fields };
  }
  return undefined;
}

/** What the header of a message that came back says of it. */
export function aboutOf(original: Fields): About {
  return {
    messageId: messageIdIn(original.first('message-id')),
    listUnsubscribe: listUnsubscribeIn(original.first('list-unsubscribe')),
  };
}

/** A program that answers a message names it in its own header (RFC 5322 section 3.6.4). */
export function answeredBy(fields: Fields): About {
  return { messageId: messageIdIn(fields.first('in-reply-to')) ?? messageIdIn(fields.first('references')) };
}

/** The first of the ids in a field, where it begins with one. */
export function messageIdIn(value: string | undefined): string | undefined {
  return value === undefined ? undefined : /^<[!-;=?-~]{1,400}@[!-;=?-~]{1,255}>/.exec(value)?.[0];
}

function listUnsubscribeIn(value: string | undefined): string | undefined {
  return value === undefined || value.length > 4_000 || !value.includes('<') ? undefined : value;
}
