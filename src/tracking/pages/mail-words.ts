import type { RequestPurpose } from '../../domain/subscription.ts';
import type { ConfirmationWords } from '../../message/confirmation-mail.ts';
import { type PageLanguage, pageTexts } from './texts.ts';

/** What the mail says that asks to confirm. @param list the list's title, of a subscription */
export function mailWords(purpose: RequestPurpose, language: PageLanguage, list: string): ConfirmationWords {
  const { mail, address } = pageTexts(language);
  switch (purpose) {
    case 'subscribe':
      return { ...mail, subject: mail.subject(list), title: list };
    case 'new-address':
      return address.confirm.mail;
    case 'old-address':
      return address.takeBack.mail;
  }
}
