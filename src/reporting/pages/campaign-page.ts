import { hasEnded } from '../../domain/campaign-state.ts';
import { type Html, html } from '../../html.ts';
import type { Agent } from '../../processing/classify-agent.ts';
import type { AuditEntry } from '../audit-trail.ts';
import type { EventReport, LinkReport } from '../event-report.ts';
import type { CampaignReport, ReasonCount } from '../report.ts';
import type { ServerReport } from '../server-report.ts';
import { books } from './books.ts';
import { cameBack } from './came-back.ts';
import { count, instant, percent, words } from './format.ts';
import { layout } from './layout.ts';
import { stateBadge } from './state-badge.ts';
import { abTest } from './test.ts';

/** One campaign as a page. It refreshes itself while the campaign is being dispatched. */
export function campaignPage(report: CampaignReport): string {
  const { campaignId, name, state, subState, reason, startedAt, endedAt } = report;
  const times = [
    startedAt !== null && `started ${instant(startedAt)}`,
    endedAt !== null && `ended ${instant(endedAt)}`,
  ];
  return layout({
    title: name,
    refreshSeconds: startedAt !== null && !hasEnded(state) ? 3 : undefined,
    body: html`
<p class="crumbs"><a href="/">Campaigns</a> / ${campaignId}</p>
<div class="head">
<h1>${name} ${stateBadge(state, subState)}</h1>
<p class="soft">${times.filter(Boolean).join(' · ') || `created ${instant(report.createdAt)}`}</p>
${reason !== null && html`<p>${reason}</p>`}
</div>
${books(report)}
${abTest(report.test)}
${recipients(report.events, report.books.sent)}
${cameBack(report.feedback, report.books)}
<div class="pair">
${reasons('Not queued', 'Contacts of its lists, by reason', report.excluded)}
${reasons('Not sent', 'Queued recipients, by reason', report.failures)}
</div>
<div class="pair">
${servers(report.servers)}
${links(report.links)}
</div>
${timeline(report.timeline)}
<footer><a href="/campaigns/${encodeURIComponent(campaignId)}.json">JSON</a> · times are UTC</footer>`,
  });
}

/** Who fetches pictures and follows links. */
type Fetcher = Exclude<Agent, 'mail-server'>;

const agentTitles: Readonly<Record<Fetcher, string>> = {
  person: 'People',
  'image-proxy': 'Image proxies',
  prefetch: 'Prefetched',
  'link-scanner': 'Link scanners',
  bot: 'Bots',
};

function recipients(events: readonly EventReport[], sent: number): Html {
  const agents = Object.keys(agentTitles) as Fetcher[];
  const cells = ({ by }: EventReport) =>
    agents.map((agent) => {
      const { unique, total } = by[agent];
      const share = agent === 'person' && html`<small>${percent(unique, sent)} of sent</small>`;
      return html`<td class="number">${count(unique)}<small>${count(total)} in total</small>${share}</td>`;
    });
  return html`<section class="card">
<h2>What recipients did</h2>
<div class="scroll"><table>
<thead><tr><th></th>${agents.map((agent) => html`<th class="number">${agentTitles[agent]}</th>`)}</tr></thead>
<tbody>${events.filter(({ type }) => type !== 'Bounce' && type !== 'SpamComplaint').map((event) => html`<tr><td>${capital(words(event.type))}</td>${cells(event)}</tr>`)}</tbody>
</table></div>
<p class="note">Large: different recipients. Repeats within 300 seconds count once. Image proxies fetch pictures for
their mailbox provider when a message is opened; Apple's prefetching does so whether or not anybody reads it, and link scanners
follow links: they count apart.</p>
</section>`;
}

function reasons(title: string, about: string, list: readonly ReasonCount[]): Html {
  const rows = list.map(
    ({ reason, count: number }) =>
      html`<tr><td class="text">${words(reason)}</td><td class="number">${count(number)}</td></tr>`,
  );
  return html`<section class="card"><h2>${title}</h2>
${list.length === 0 ? html`<p class="soft">Nobody.</p>` : html`<table><thead><tr><th>${about}</th><th></th></tr></thead><tbody>${rows}</tbody></table>`}
</section>`;
}

function servers(list: readonly ServerReport[]): Html {
  const all = list.reduce((sum, { sent }) => sum + sent, 0);
  const rows = list.map(
    ({ name, sent, failed, sleepMs, presence }) => html`<tr>
<td class="text">${name}<small class="${presence === 'dead' && 'warning'}">${presence}</small></td>
<td class="number">${count(sent)}<small>${percent(sent, all)}</small></td>
<td class="number">${count(failed)}</td>
<td class="number">${sleepMs === null ? '–' : `${count(sleepMs)} ms`}</td></tr>
`,
  );
  return html`<section class="card"><h2>Servers</h2>
${list.length === 0 ? html`<p class="soft">None yet.</p>` : html`<table><thead><tr><th>Server</th><th class="number">Sent</th><th class="number">Failed</th><th class="number">Sleep</th></tr></thead><tbody>${rows}</tbody></table>`}
</section>`;
}

function links(list: readonly LinkReport[]): Html {
  const most = Math.max(1, ...list.map(({ clicks }) => clicks.unique));
  const rows = list.map(
    ({ url, clicks }) => html`<tr><td class="text">${url}${share(clicks.unique / most)}</td>
<td class="number">${count(clicks.unique)}<small>${count(clicks.total)} in total</small></td></tr>`,
  );
  return html`<section class="card"><h2>Links</h2>
${list.length === 0 ? html`<p class="soft">None.</p>` : html`<table><thead><tr><th>Link</th><th class="number">People who clicked</th></tr></thead><tbody>${rows}</tbody></table>`}
</section>`;
}

/** A bar, 0 to 1, of its column's width. */
function share(part: number): Html {
  return html`<svg class="share" aria-hidden="true"><rect width="${(100 * part).toFixed(1)}%" height="100%"/></svg>`;
}

function timeline(entries: readonly AuditEntry[]): Html {
  const rows = entries.map(
    ({ at, actor, what, from, to, why }) => html`<tr><td class="time">${instant(at)}</td>
<td class="text">${capital(words(what))}${to !== null && html`: ${from !== null && `${from} → `}<b>${to}</b>`}${why !== null && html`<small>${why}</small>`}</td>
<td class="text">${actor}</td></tr>`,
  );
  return html`<section class="card"><h2>Timeline</h2>
${entries.length === 0 ? html`<p class="soft">Nothing yet.</p>` : html`<table><thead><tr><th>When</th><th>What</th><th>Who</th></tr></thead><tbody>${rows}</tbody></table>`}
</section>`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
