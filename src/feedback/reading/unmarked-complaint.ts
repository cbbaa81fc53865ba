import type { Fields } from './fields.ts';
import type { About, Notification } from './notification.ts';
import { addressIn } from './recipient.ts';

/**
 * Microsoft's Junk Email Reporting Program: the message comes back whole, attached to one without a report, with the person who
 * called it junk in a field of its own. Nothing else is a complaint that has no report: a person who forwards a message to an
 * abuse desk may mean anything.
 */
export function readUnmarkedComplaint(
  fields: Fields,
  returned: { readonly about: About; readonly fields: Fields } | undefined,
): readonly Notification[] | undefined {
  const value = returned?.fields.first('x-hmxmroriginalrecipient');
  const recipient = value === undefined ? undefined : addressIn(value);
  if (returned === undefined || recipient === undefined || !isMicrosoft.test(fields.first('from') ?? ''))
    return undefined;
  return [{ kind: 'complaint', ...returned.about, recipient, text: '' }];
}

const isMicrosoft = /@(?:hotmail|outlook|live|microsoft)\.com\s*>?\s*$/i;
