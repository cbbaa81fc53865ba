import { type Html, html } from '../../html.ts';
import { testVerdict } from '../test-in-words.ts';
import type { TestReport } from '../test-report.ts';
import { count, instant, percent } from './format.ts';

/** The A/B test of a campaign: each variant and what its recipients did. */
export function abTest(test: TestReport | null): Html | undefined {
  if (test === null) return undefined;
  const { variants, remainder, winner } = test;
  const rows = [
    ...variants.map((one) => ({ ...one, isWinner: one.variant === winner?.variant })),
    ...(remainder === null
      ? []
      : [
          {
            ...remainder,
            variant: winner?.variant ?? '–',
            subject: 'everybody behind the test',
            isWinner: false,
          },
        ]),
  ].map(
    ({ variant, subject, isWinner, recipients, sent, opened, clicked, value, valuePerVisit }) => html`<tr>
<td class="text"><b>${variant}</b>${isWinner && ' – the winner'}<small>${subject}</small></td>
<td class="number">${count(recipients)}</td>
<td class="number">${count(sent)}</td>
<td class="number">${count(opened)}<small>${percent(opened, sent)}</small></td>
<td class="number">${count(clicked)}<small>${percent(clicked, sent)}</small></td>
<td class="number">${count(value)}<small>${valuePerVisit.toFixed(2)} per visit</small></td></tr>
`,
  );
  return html`<section class="card">
<h2>A/B test</h2>
<p>${testVerdict(test, instant)}</p>
<div class="scroll"><table>
<thead><tr><th>Variant</th><th class="number">Recipients</th><th class="number">Sent</th><th class="number">Opened</th><th class="number">Clicked</th><th class="number">Value</th></tr></thead>
<tbody>${rows}</tbody>
</table></div>
<p class="note">Opened: by people and by the image proxies of their mailbox providers. Clicked, and values of goals: by people.</p>
</section>`;
}
