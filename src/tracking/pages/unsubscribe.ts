import { type Html, html } from '../../html.ts';
import { linkLine, maskAddress, type Page, page, paragraph } from './frame.ts';
import { type PageLanguage, pageTexts } from './texts.ts';

export interface UnsubscribePageOptions {
  readonly language: PageLanguage;
  /** The sender's name. */
  readonly sender: string;
  /** Whose mail it is; shown masked, for messages are passed on. */
  readonly email: string;
  /** Where the preference page is. */
  readonly preferences: string;
}

/** Why the page is shown again. `kept`: it could not be stored yet, and is tried again. */
export type UnsubscribeFailure = 'unavailable' | 'kept' | 'badRequest' | 'noLists';

export function unsubscribePage(options: UnsubscribePageOptions, failed?: UnsubscribeFailure): Page {
  const { language, sender, email, preferences } = options;
  const { unsubscribe, unavailable, badRequest } = pageTexts(language);
  const failure =
    failed &&
    {
      unavailable: { status: 503, title: unavailable.title, notice: unavailable.unsubscribe },
      kept: { status: 503, title: unavailable.title, notice: unavailable.kept },
      badRequest: { status: 400, title: badRequest.title, notice: badRequest.lead },
      noLists: { status: 200, title: unsubscribe.title, notice: unsubscribe.noLists },
    }[failed];
  const { status = 200, title = unsubscribe.title, notice } = failure ?? {};
  return page(
    { language, status, title, sender },
    notice !== undefined && paragraph(notice, 'notice'),
    paragraph(unsubscribe.lead(sender, maskAddress(email))),
    html`<form method="post">
${scopeButton('all', unsubscribe.all, unsubscribe.allHint, 'first')}
${failed !== 'noLists' && scopeButton('lists', unsubscribe.lists, unsubscribe.listsHint)}
</form>`,
    linkLine(preferences, unsubscribe.choose),
    paragraph(unsubscribe.keep, 'small'),
  );
}

/** @param undo what takes this back, for the form; none for a mail program, which shows nobody a page */
export function unsubscribedPage(
  { language, sender, email, preferences }: UnsubscribePageOptions,
  result: 'all' | 'lists' | 'already',
  undo?: string,
): Page {
  const { done, already, unsubscribe } = pageTexts(language);
  const address = maskAddress(email);
  const choose = linkLine(preferences, unsubscribe.choose);
  if (result === 'already')
    return page({ language, title: already.title, sender }, paragraph(already.lead(address)), choose);
  return page(
    { language, title: done.title, sender },
    paragraph(result === 'all' ? done.all(address) : done.lists),
    paragraph(done.queued, 'small'),
    undo !== undefined && undoForm(language, undo),
    choose,
  );
}

/** A button that takes back what was just done, by POST, so that nothing that follows links presses it. */
export function undoForm(language: PageLanguage, undo: string, action = ''): Html {
  const { mistake, undo: label } = pageTexts(language).done;
  return html`<form class="undo" method="post"${action !== '' && html` action="${action}"`}>
<p id="mistake">${mistake}</p>
<button name="undo" value="${undo}" aria-describedby="mistake">${label}</button>
</form>`;
}

/** What came of pressing "Undo". */
export function undonePage(
  { language, sender, email, preferences }: UnsubscribePageOptions,
  isUndone: boolean,
): Page {
  const { undone, notUndone, unsubscribe } = pageTexts(language);
  const title = isUndone ? undone.title : notUndone.title;
  return page(
    { language, title, sender },
    paragraph(isUndone ? undone.lead(maskAddress(email)) : notUndone.lead),
    linkLine(preferences, unsubscribe.choose),
  );
}

function scopeButton(scope: string, label: string, hint: string, look = ''): Html {
  return html`<div><button class="${look}" name="scope" value="${scope}" aria-describedby="hint-${scope}">${label}</button>
<p class="hint" id="hint-${scope}">${hint}</p></div>`;
}
