import { parseEmailAddress } from '../contacts/addresses/email-address.ts';
import { requestAddress } from '../contacts/subscription/request-address.ts';
import { messageOf } from '../domain/error-message.ts';
import { type Delivery, senderName } from './delivery.ts';
import type { TokenPayload } from './links/token.ts';
import { addressAskedPage } from './pages/address.ts';
import type { Page } from './pages/frame.ts';
import { type PreferencesPageOptions, preferencesPage } from './pages/preferences.ts';
import { noSubscriptionPage } from './pages/subscribe.ts';
import { pageTexts } from './pages/texts.ts';
import { trapField } from './pages/trap-field.ts';

/**
 * Has the owner of an address asked whether a contact's mail shall go there. The answer is the same whoever has the address,
 * and whatever limit it met: the token is passed on with the message, and must not tell who else gets mail here.
 */
export async function askForAddress(
  { db, sender, log }: Delivery,
  { contactId }: TokenPayload,
  options: PreferencesPageOptions,
  form: URLSearchParams,
): Promise<Page> {
  const { language } = options;
  if (sender === undefined) return preferencesPage(options, 'badRequest');
  const email = (form.get('email') ?? '').slice(0, 300);
  const parsed = parseEmailAddress(email);
  if (!parsed.ok) return preferencesPage(options, undefined, email);
  const { address, key: emailKey } = parsed;
  // A program filled in what no person sees. It is told nothing else than everybody.
  if ((form.get(trapField) ?? '') !== '') return addressAskedPage(options, address);
  const wording = pageTexts(language).address.wording(senderName(sender));
  try {
    const result = await requestAddress(db, { contactId, email: address, emailKey, language, wording });
    return result === 'full'
      ? noSubscriptionPage({ ...options, title: '' }, 'full')
      : addressAskedPage(options, address);
  } catch (error) {
    log.error({ err: messageOf(error) }, 'a change of address could not be asked for');
    return preferencesPage(options, 'unavailable');
  }
}
