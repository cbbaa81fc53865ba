import type { AddressRequest } from '../../contacts/subscription/confirm-address.ts';
import { type Html, html } from '../../html.ts';
import { maskAddress, type Page, page, paragraph } from './frame.ts';
import { type PageLanguage, pageTexts } from './texts.ts';
import { trapFieldHtml } from './trap-field.ts';

interface AddressPageOptions {
  readonly language: PageLanguage;
  readonly sender: string;
}

/**
 * The form on the preference page, below others: where the page is shown again, the browser goes to the field by the fragment.
 * @param wrong what was typed and is no address
 */
export function addressForm(language: PageLanguage, wrong?: string): Html {
  const { address: texts, subscribe } = pageTexts(language);
  const invalid =
    wrong !== undefined && html`<p class="wrong" id="wrong" role="alert">${subscribe.wrongAddress}</p>\n`;
  const described = wrong === undefined ? 'moving' : 'wrong moving';
  return html`<form method="post" action="#email" novalidate>
<input type="hidden" name="form" value="address">
<fieldset>
<legend>${texts.legend}</legend>
<div class="field"><label for="email">${texts.email}</label>
${invalid}<input type="email" id="email" name="email" value="${wrong}" required maxlength="254" autocomplete="email" inputmode="email" aria-describedby="${described}"${invalid && html` aria-invalid="true"`}></div>
<p class="hint" id="moving">${texts.hint}</p>
${trapFieldHtml(language)}
</fieldset>
<button>${texts.submit}</button>
</form>`;
}

/** The same for everybody, whoever has the address. The person typed it: it is shown whole, to be compared. */
export function addressAskedPage({ language, sender }: AddressPageOptions, email: string): Page {
  const { asked, askedHint } = pageTexts(language).address;
  return page(
    { language, title: asked.title, sender },
    paragraph(asked.lead(email)),
    paragraph(askedHint, 'small'),
  );
}

export function confirmAddressPage(
  { language, sender }: AddressPageOptions,
  request: AddressRequest,
  isUnavailable = false,
): Page {
  const { address: texts, unavailable } = pageTexts(language);
  if (request.state !== 'open') {
    const { title, lead } = { confirmed: texts.already, late: texts.late, taken: texts.taken }[request.state];
    const status = { confirmed: 200, late: 410, taken: 409 }[request.state];
    return page({ language, status, title, sender }, paragraph(lead));
  }
  const { title, lead, submit, keep } = request.purpose === 'new-address' ? texts.confirm : texts.takeBack;
  return page(
    { language, status: isUnavailable ? 503 : 200, title, sender },
    isUnavailable && paragraph(unavailable.save, 'notice'),
    paragraph(lead(maskAddress(request.email))),
    html`<form method="post">
<p class="proof" id="wording">${request.wording}</p>
<button class="first" name="confirm" value="yes" aria-describedby="wording">${submit}</button>
</form>`,
    request.isOptedOut && paragraph(texts.off, 'notice'),
    paragraph(keep, 'small'),
  );
}

export function addressChangedPage({ language, sender }: AddressPageOptions, request: AddressRequest): Page {
  const { address: texts, confirm } = pageTexts(language);
  return page(
    { language, title: texts.done.title, sender },
    paragraph(texts.done.lead(maskAddress(request.email))),
    request.isOptedOut && paragraph(texts.off, 'notice'),
    paragraph(confirm.doneHint, 'small'),
  );
}
