import { unclearInWords } from '../../feedback/list-feedback.ts';
import { type Html, html } from '../../html.ts';
import type { CampaignSummary } from '../campaign-list.ts';
import { count, instant, percent } from './format.ts';
import { layout } from './layout.ts';
import { stateBadge } from './state-badge.ts';

/** The list of campaigns as a page. */
export function campaignsPage(
  campaigns: readonly CampaignSummary[],
  page: number,
  hasMore: boolean,
  unclear = 0,
): string {
  return layout({
    title: 'Campaigns',
    refreshSeconds: campaigns.some(({ state }) => state === 'Queuing' || state === 'Sending') ? 5 : undefined,
    body: html`
<div class="head"><h1>Campaigns</h1></div>
${unclear > 0 && html`<p class="soft">${unclearInWords(unclear)}: “exm feedback ls --unclear”.</p>`}
<section class="card scroll">
${campaigns.length === 0 ? html`<p class="soft">${page === 1 ? 'No campaign yet. “exm campaign create FILE” makes one.' : 'No more campaigns.'}</p>` : table(campaigns)}
</section>
<footer>
${page > 1 && html`<a href="/?page=${page - 1}">← newer</a> `}
${hasMore && html`<a href="/?page=${page + 1}">older →</a> `}
<a href="/campaigns.json?page=${page}">JSON</a> · times are UTC
</footer>`,
  });
}

function table(campaigns: readonly CampaignSummary[]): Html {
  return html`<table>
<thead><tr><th>Campaign</th><th>State</th><th class="number">Sent</th><th class="number wide">Failed</th>
<th class="number wide">Opened</th><th class="number">Clicked</th><th class="wide">Started</th></tr></thead>
<tbody>${campaigns.map(row)}</tbody>
</table>`;
}

function row(campaign: CampaignSummary): Html {
  const { campaignId, name, state, subState, queued, sent, failed, opened, clicked, startedAt } = campaign;
  return html`<tr>
<td class="text"><a href="/campaigns/${encodeURIComponent(campaignId)}">${name}</a><small>${campaignId}</small></td>
<td>${stateBadge(state, subState)}</td>
<td class="number">${count(sent)}<small>of ${count(queued)}</small></td>
<td class="number wide">${count(failed)}</td>
<td class="number wide">${count(opened)}<small>${percent(opened, sent)}</small></td>
<td class="number">${count(clicked)}<small>${percent(clicked, sent)}</small></td>
<td class="time wide">${startedAt === null ? '–' : instant(startedAt)}</td>
</tr>`;
}
