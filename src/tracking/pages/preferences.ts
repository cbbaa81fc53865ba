import type { Preferences } from '../../contacts/consent/preferences.ts';
import { type Html, html } from '../../html.ts';
import { addressForm } from './address.ts';
import { linkLine, maskAddress, type Page, page, paragraph } from './frame.ts';
import { languageOptions } from './languages.ts';
import { type PageLanguage, pageTexts } from './texts.ts';
import { undoForm } from './unsubscribe.ts';

export interface PreferencesPageOptions {
  readonly language: PageLanguage;
  readonly sender: string;
  readonly preferences: Preferences;
  /** Whether there is a sender for the mail that confirms what is added, or another address. */
  readonly canJoin: boolean;
  /** Where "unsubscribe from everything" is posted to. */
  readonly unsubscribe: string;
  /** Languages to choose from, beside the person's. */
  readonly languages: readonly string[];
}

export function preferencesPage(
  options: PreferencesPageOptions,
  failed?: 'unavailable' | 'badRequest',
  wrongAddress?: string,
): Page {
  const { language, sender, preferences, canJoin, unsubscribe, languages } = options;
  const { lists, isOptedOut } = preferences;
  const { preferences: texts, unavailable, badRequest } = pageTexts(language);
  const failure =
    failed &&
    {
      unavailable: { status: 503, title: unavailable.title, notice: unavailable.save },
      badRequest: { status: 400, title: badRequest.title, notice: badRequest.lead },
    }[failed];
  const { status = wrongAddress === undefined ? 200 : 400, title = texts.title, notice } = failure ?? {};
  const hint = canJoin ? texts.joinHint : texts.cannotJoin;
  return page(
    { language, status, title, sender },
    notice !== undefined && paragraph(notice, 'notice'),
    isOptedOut && paragraph(texts.off, 'notice'),
    paragraph(texts.lead(sender, maskAddress(preferences.email))),
    html`<form method="post">
<input type="hidden" name="form" value="preferences">
<fieldset aria-describedby="joining">
<legend>${texts.lists}</legend>
${lists.length === 0 && html`<p class="hint">${texts.noLists}</p>`}${lists.map(
  ({ id, title, isOn }) =>
    html`${isOn && html`<input type="hidden" name="was" value="${id}">`}<label class="check"><input type="checkbox" name="list" value="${id}"${isOn && html` checked`}> <span>${title}</span></label>
`,
)}${isOptedOut && canJoin && lists.length > 0 && again(texts.again, texts.againHint)}<p class="hint" id="joining">${hint}</p>
</fieldset>
<fieldset>
<legend>${texts.you}</legend>
${textField('firstName', texts.firstName, 'given-name')}
${textField('lastName', texts.lastName, 'family-name')}
<p class="hint" id="names">${texts.namesHint}</p>
<label class="check"><input type="checkbox" name="noName" value="yes"> <span>${texts.noName}</span></label>
<div class="field"><label for="language">${texts.language}</label>
<select id="language" name="language"><option value="">${texts.anyLanguage}</option>
${languageOptions([...languages, preferences.language], preferences.language)}</select></div>
</fieldset>
<button class="first">${texts.save}</button>
</form>`,
    canJoin && addressForm(language, wrongAddress),
    !isOptedOut &&
      html`<form method="post" action="${unsubscribe}">
<button name="scope" value="all">${texts.all}</button>
</form>`,
  );
}

/** What was done, by the titles of lists. */
export interface PreferencesOutcome {
  readonly left: readonly string[];
  readonly asked: readonly string[];
  readonly askedBefore: readonly string[];
  readonly notAsked: readonly string[];
  /** Lists were ticked by somebody who has unsubscribed from everything, and did not say that this should change. */
  readonly isStillOff: boolean;
  readonly isChanged: boolean;
  readonly undo: string | undefined;
}

export function preferencesSavedPage(
  { language, sender, preferences, unsubscribe }: PreferencesPageOptions,
  outcome: PreferencesOutcome,
  self: string,
): Page {
  const { preferences: texts, quote } = pageTexts(language);
  const { left, asked, askedBefore, notAsked, isStillOff, isChanged, undo } = outcome;
  const titles = (of: readonly string[]) => new Intl.ListFormat(language).format(of.map(quote));
  const said = [
    asked.length > 0 && paragraph(texts.asked(titles(asked), maskAddress(preferences.email)), 'notice'),
    askedBefore.length > 0 && paragraph(texts.askedBefore(titles(askedBefore)), 'notice'),
    notAsked.length > 0 && paragraph(texts.notAsked(titles(notAsked)), 'notice'),
    isStillOff && paragraph(texts.stillOff, 'notice'),
    left.length > 0 && paragraph(texts.left(titles(left))),
    isChanged && paragraph(texts.changed),
  ];
  const isNothing = said.every((part) => part === false);
  return page(
    { language, title: texts.saved, sender },
    ...said,
    isNothing && paragraph(texts.nothing),
    undo !== undefined && undoForm(language, undo, unsubscribe),
    linkLine(self, texts.back),
  );
}

function again(label: string, hint: string): Html {
  return html`<label class="check"><input type="checkbox" name="again" value="yes" aria-describedby="again"> <span>${label}</span></label>
<p class="hint" id="again">${hint}</p>
`;
}

/** Empty, whatever is stored: whoever was passed a message sees the page, too. */
function textField(name: string, label: string, autocomplete: string): Html {
  return html`<div class="field"><label for="${name}">${label}</label>
<input type="text" id="${name}" name="${name}" maxlength="100" autocomplete="${autocomplete}" aria-describedby="names"></div>`;
}
