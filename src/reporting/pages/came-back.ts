import { type Html, html } from '../../html.ts';
import type { FeedbackReport } from '../feedback-report.ts';
import type { CampaignReport } from '../report.ts';
import { count, percent } from './format.ts';

const titles = {
  hard: ['Hard bounces', 'no such mailbox, for good'],
  soft: ['Soft bounces', 'mailbox full, or a server that was ill'],
  policy: ['Refused by policy', 'our message or server, not the person'],
  complaints: ['Complaints', 'reported as spam'],
} as const;

/** Bounces by class, and complaints: of all who were handed to a mail server, taken or refused. */
export function cameBack(
  { bounces, complaints }: FeedbackReport,
  { sent, failed }: CampaignReport['books'],
): Html {
  const counts = { ...bounces, complaints };
  const rows = (Object.keys(titles) as (keyof typeof titles)[]).map(
    (kind) => html`<tr><td>${titles[kind][0]}<small>${titles[kind][1]}</small></td>
<td class="number">${count(counts[kind])}<small>${percent(counts[kind], sent + failed)}</small></td></tr>`,
  );
  return html`<section class="card"><h2>What came back</h2>
<table><thead><tr><th></th><th class="number">People</th></tr></thead><tbody>${rows}</tbody></table>
</section>`;
}
