import { hasEnded } from '../../domain/campaign-state.ts';
import { type Html, html } from '../../html.ts';
import type { CampaignReport } from '../report.ts';
import { count, duration, percent } from './format.ts';

/** Parts of `queued` in the order in which the books name them, with their class in the style sheet. */
const parts = [
  { key: 'sent', title: 'Sent', colour: 'sent' },
  { key: 'failed', title: 'Failed', colour: 'failed' },
  { key: 'skipped', title: 'Skipped', colour: 'skipped' },
  { key: 'cancelled', title: 'Cancelled', colour: 'cancelled' },
  { key: 'inDoubt', title: 'In doubt', colour: 'in-doubt' },
] as const;

/** The books of a campaign: each number, the bar of their shares, and the sum in words. */
export function books({ books, progress, state, startedAt, endedAt }: CampaignReport): Html {
  const tiles = parts.map(
    ({ key, title, colour }) => html`<div class="${colour}"><dt>${title}</dt>
<dd>${count(books[key])}<small>${percent(books[key], books.queued)}</small></dd></div>`,
  );
  const { recipientsPerSecond: rate, secondsLeft } = progress;
  const took = startedAt !== null && endedAt !== null && (Date.parse(endedAt) - Date.parse(startedAt)) / 1000;
  const pace = [
    books.remaining > 0 && `${count(books.remaining)} remaining`,
    rate !== null &&
      rate >= 0.1 &&
      `${rate < 10 ? rate.toFixed(1) : count(Math.round(rate))} recipients/s on average`,
    secondsLeft !== null && `about ${duration(secondsLeft)} left`,
    took !== false && `took ${duration(took)}`,
  ].filter((part) => part !== false);
  return html`<section class="card">
<dl class="tiles"><div class="remaining"><dt>Queued</dt><dd>${count(books.queued)}<small>${percent(books.queued - books.remaining, books.queued)} done</small></dd></div>${tiles}</dl>
${bar(books)}
<p>${sum(books)}${hasEnded(state) && verdict(books.balanced)}</p>
${pace.length > 0 && html`<p class="note">${pace.join(' · ')}</p>`}
</section>`;
}

function bar(totals: CampaignReport['books']): Html {
  let start = 0;
  const rects = parts.map(({ key, colour }) => {
    const width = totals.queued === 0 ? 0 : (100 * totals[key]) / totals.queued;
    const rect = html`<rect class="${colour}" x="${start.toFixed(3)}%" width="${width.toFixed(3)}%" height="100%"/>`;
    start += width;
    return width > 0 ? rect : undefined;
  });
  const label = `${percent(totals.queued - totals.remaining, totals.queued)} of the recipients are done`;
  return html`<svg class="bar" role="img" aria-label="${label}">${rects}</svg>`;
}

function sum(totals: CampaignReport['books']): string {
  const named = parts.map(({ key, title }) => `${count(totals[key])} ${title.toLowerCase()}`);
  if (totals.remaining > 0) named.push(`${count(totals.remaining)} remaining`);
  return `${count(totals.queued)} queued = ${named.join(' + ')}`;
}

function verdict(balanced: boolean): Html {
  return balanced ? html` – the books balance.` : html` <b class="warning">– the books do not balance.</b>`;
}
