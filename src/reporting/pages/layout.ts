import { createHash } from 'node:crypto';
import { Html, html } from '../../html.ts';

const css = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #fff; --line: #e3e6eb; --text: #1b2430; --soft: #5c6878; --accent: #2456c9;
  --sent: #2e9e6b; --failed: #d1453b; --skipped: #d99a25; --cancelled: #8a94a3; --in-doubt: #8b5cc7; --remaining: #dfe3e9;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161c; --card: #1a2029; --line: #2b333f; --text: #e6eaf0; --soft: #97a3b4; --accent: #86a8ff;
    --sent: #3fb981; --failed: #e5675e; --skipped: #e0ac4a; --cancelled: #7b8696; --in-doubt: #a983de; --remaining: #313a47;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 1.5rem 1.25rem 3rem; }
a { color: var(--accent); text-decoration: none; } a:hover { text-decoration: underline; }
.crumbs, .soft, footer { color: var(--soft); }
.crumbs { font-size: .9rem; margin: 0 0 .75rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0; display: flex; flex-wrap: wrap; align-items: center; gap: .35rem .75rem; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 0 0 .75rem; }
.head p { margin: .25rem 0 0; }
.badge { font-size: .8rem; font-weight: 600; padding: .15rem .6rem; border-radius: 1rem; border: 1px solid currentColor; white-space: nowrap; }
.badge.good { color: var(--sent); } .badge.busy { color: var(--accent); } .badge.held { color: var(--skipped); } .badge.quiet { color: var(--soft); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1.1rem 1.25rem; margin-top: 1rem; min-width: 0; }
.pair { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0 1rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(6.5rem, 1fr)); gap: 1rem; margin: 0; }
.tiles div { border-left: 3px solid var(--line); padding-left: .7rem; }
.tiles dt { color: var(--soft); font-size: .85rem; }
.tiles dd { margin: 0; font-size: 1.5rem; font-weight: 600; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tiles small { display: block; font-size: .8rem; font-weight: 400; color: var(--soft); }
.bar { display: block; width: 100%; height: 12px; border-radius: 6px; overflow: hidden; margin: 1.1rem 0 .6rem; background: var(--remaining); }
.sent { fill: var(--sent); border-color: var(--sent) !important; } .failed { fill: var(--failed); border-color: var(--failed) !important; }
.skipped { fill: var(--skipped); border-color: var(--skipped) !important; } .cancelled { fill: var(--cancelled); border-color: var(--cancelled) !important; }
.in-doubt { fill: var(--in-doubt); border-color: var(--in-doubt) !important; } .remaining { fill: var(--remaining); border-color: var(--remaining) !important; }
.share { width: 100%; min-width: 3rem; height: 8px; border-radius: 4px; background: var(--remaining); display: block; overflow: hidden; }
.share rect { fill: var(--accent); }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; font-size: .8rem; color: var(--soft); padding: .2rem 1.1rem .4rem 0; vertical-align: bottom; }
td { border-top: 1px solid var(--line); padding: .45rem 1.1rem .45rem 0; vertical-align: top; }
td.text { overflow-wrap: anywhere; }
th:last-child, td:last-child { padding-right: 0; }
th.number, td.number { text-align: right; white-space: nowrap; } td.time { white-space: nowrap; color: var(--soft); }
td small { color: var(--soft); display: block; }
.note { font-size: .85rem; color: var(--soft); margin: .75rem 0 0; }
.warning { color: var(--failed); }
footer { font-size: .85rem; margin-top: 1.5rem; }
@media (max-width: 760px) {
  .pair { grid-template-columns: minmax(0, 1fr); } main { padding: 1rem .75rem 2rem; } .card { padding: .9rem .9rem; }
  .tiles dd { font-size: 1.25rem; } .wide { display: none; } .badge { white-space: normal; } th, td { padding-right: .6rem; }
  td.number small, th.number, td.time { white-space: normal; }
}`;

/** Nothing from anywhere else, and nothing that runs: only the one style sheet of these pages, known by its hash. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(css).digest('base64')}'`,
  'img-src data:',
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

export interface Page {
  readonly title: string;
  readonly body: Html;
  /** The browser loads the page again after so long. */
  readonly refreshSeconds?: number | undefined;
}

/** A whole page. */
export function layout({ title, body, refreshSeconds }: Page): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${refreshSeconds !== undefined && html`<meta http-equiv="refresh" content="${refreshSeconds}">`}
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${new Html(css)}</style>
</head>
<body><main>
${body}
</main></body>
</html>
`.text;
}
