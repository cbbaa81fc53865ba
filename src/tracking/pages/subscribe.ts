import type { SubscriptionRequest } from '../../contacts/subscription/confirm-subscription.ts';
import { type Html, html } from '../../html.ts';
import { linkLine, maskAddress, type Page, page, paragraph } from './frame.ts';
import { languageOptions } from './languages.ts';
import { type PageLanguage, pageLanguages, pageTexts } from './texts.ts';
import { trapFieldHtml } from './trap-field.ts';

export interface SubscribePageOptions {
  readonly language: PageLanguage;
  readonly sender: string;
  /** The list's title. */
  readonly title: string;
}

/** What was typed before, where the form is shown again. */
export interface TypedBefore {
  readonly email: string;
  readonly firstName: string;
}

export function subscribePage({ language, sender, title }: SubscribePageOptions, before?: TypedBefore): Page {
  const { subscribe: texts } = pageTexts(language);
  const invalid =
    before !== undefined && html`<p class="wrong" id="wrong" role="alert">${texts.wrongAddress}</p>\n`;
  return page(
    { language, status: before === undefined ? 200 : 400, title: texts.title(title), sender },
    paragraph(texts.lead(sender)),
    html`<form method="post" novalidate>
<div class="field"><label for="email">${texts.email}</label>
${invalid}<input type="email" id="email" name="email" value="${before?.email}" required maxlength="254" autocomplete="email" inputmode="email"${invalid && html` aria-invalid="true" aria-describedby="wrong"`}></div>
<div class="field"><label for="firstName">${texts.firstName} <span>${texts.optional}</span></label>
<input type="text" id="firstName" name="firstName" value="${before?.firstName}" maxlength="100" autocomplete="given-name"></div>
<div class="field"><label for="language">${texts.language}</label>
<select id="language" name="language">
${languageOptions(pageLanguages, language)}</select></div>
${trapFieldHtml(language)}
<div><button class="first" aria-describedby="next">${texts.submit}</button>
<p class="hint" id="next">${texts.hint}</p></div>
</form>`,
  );
}

/** The same for everybody, whoever the address is. The person typed it: it is shown whole, to be compared. */
export function askedPage({ language, sender }: SubscribePageOptions, email: string): Page {
  const { asked, askedHint } = pageTexts(language).subscribe;
  return page(
    { language, title: asked.title, sender },
    paragraph(asked.lead(email)),
    paragraph(askedHint, 'small'),
  );
}

/** `off`: there is no sender for the mail. `full`: too many wait for theirs. */
export function noSubscriptionPage({ language, sender }: SubscribePageOptions, why: 'off' | 'full'): Page {
  const { title, lead } = pageTexts(language).subscribe[why];
  return page({ language, status: 503, title, sender }, paragraph(lead));
}

export function confirmPage(
  { language, sender }: Pick<SubscribePageOptions, 'language' | 'sender'>,
  request: SubscriptionRequest,
  isUnavailable = false,
): Page {
  const { confirm: texts, unavailable } = pageTexts(language);
  if (request.state === 'confirmed')
    return page(
      { language, title: texts.already.title, sender },
      paragraph(texts.already.lead(request.title)),
    );
  if (request.state === 'late')
    return page(
      { language, status: 410, title: texts.late.title, sender },
      paragraph(texts.late.lead),
      request.formName !== '' && linkLine(`../s/${encodeURIComponent(request.formName)}`, texts.lateLink),
    );
  return page(
    { language, status: isUnavailable ? 503 : 200, title: texts.title, sender },
    isUnavailable && paragraph(unavailable.save, 'notice'),
    paragraph(texts.lead(maskAddress(request.email))),
    confirmForm(request, texts.submit),
    request.isOptedOut && paragraph(texts.again, 'notice'),
    paragraph(texts.keep, 'small'),
  );
}

export function confirmedPage(
  { language, sender }: Pick<SubscribePageOptions, 'language' | 'sender'>,
  { title }: SubscriptionRequest,
): Page {
  const { done, doneHint } = pageTexts(language).confirm;
  return page(
    { language, title: done.title, sender },
    paragraph(done.lead(title)),
    paragraph(doneHint, 'small'),
  );
}

function confirmForm({ wording }: SubscriptionRequest, submit: string): Html {
  return html`<form method="post">
<p class="proof" id="wording">${wording}</p>
<button class="first" name="confirm" value="yes" aria-describedby="wording">${submit}</button>
</form>`;
}
