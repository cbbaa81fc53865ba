export const stylesheet = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #fff; --ink: #1b1f24; --soft: #667080; --line: #e3e7ec; --accent: #2457d6; --hover: #f0f4ff;
}
@media (prefers-color-scheme: dark) {
  :root { --page: #14171c; --card: #1c2027; --ink: #e6e9ee; --soft: #98a2b0; --line: #2d333d; --accent: #86aaff; --hover: #232a37; }
}
* { box-sizing: border-box; }
html { height: 100%; }
body { margin: 0; min-height: 100%; background: var(--page); color: var(--ink); display: flex; flex-direction: column;
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
a { color: inherit; text-decoration: none; }
header.bar { position: sticky; top: 0; z-index: 1; display: flex; align-items: center; gap: 16px; padding: 12px 24px;
  background: var(--card); border-bottom: 1px solid var(--line); }
header.bar .brand { font-weight: 650; white-space: nowrap; }
header.bar form { flex: 1; max-width: 460px; margin: 0 auto; }
input[type=search] { width: 100%; padding: 7px 14px; border: 1px solid var(--line); border-radius: 999px;
  background: var(--page); color: var(--ink); font: inherit; }
input[type=search]:focus, button:focus-visible, a:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
button, .button { padding: 6px 14px; border: 1px solid var(--line); border-radius: 8px; background: var(--card);
  color: var(--ink); font: inherit; cursor: pointer; white-space: nowrap; }
button:hover, .button:hover { background: var(--hover); }
.button.off { opacity: .4; pointer-events: none; }
main { flex: 1; display: flex; flex-direction: column; width: 100%; max-width: 1160px; margin: 0 auto; padding: 20px 24px; }
.soft { color: var(--soft); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 12px; overflow: hidden; }
.above { display: flex; align-items: baseline; justify-content: space-between; gap: 16px; margin-bottom: 12px; }
.above h1, .message h1 { margin: 0; font-size: 20px; font-weight: 650; overflow-wrap: anywhere; }
.mails { list-style: none; margin: 0; padding: 0; }
.mails li + li { border-top: 1px solid var(--line); }
.mails a { display: grid; grid-template-columns: minmax(0, 260px) minmax(0, 1fr) 80px 150px; gap: 20px; padding: 11px 18px; align-items: baseline; }
.mails a:hover { background: var(--hover); }
.mails .to { font-weight: 550; }
.mails span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.mails .size, .mails time { color: var(--soft); text-align: right; font-size: 13px; font-variant-numeric: tabular-nums; }
.empty { padding: 72px 24px; text-align: center; color: var(--soft); }
.paging { display: flex; justify-content: space-between; gap: 12px; margin-top: 14px; }
.message { display: flex; flex-direction: column; flex: 1; }
.message .top { padding: 20px 24px 16px; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 4px 18px; margin: 12px 0 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
.back { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; margin-top: 14px; }
.message [role=status] { margin: 14px 0 0; color: var(--accent); }
.tabs { display: flex; flex-wrap: wrap; gap: 4px; padding: 0 18px; border-bottom: 1px solid var(--line); }
.tabs a { padding: 8px 12px; color: var(--soft); border-bottom: 2px solid transparent; margin-bottom: -1px; }
.tabs a:hover { color: var(--ink); }
.tabs a[aria-current] { color: var(--accent); border-color: var(--accent); font-weight: 550; }
.tabs .fill { flex: 1; }
iframe { flex: 1; width: 100%; min-height: 62vh; border: 0; background: #fff; }
iframe.phone { width: 390px; margin: 16px auto; border: 1px solid var(--line); border-radius: 20px; }
pre { margin: 0; padding: 20px 24px; white-space: pre-wrap; overflow-wrap: anywhere; font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.headers { padding: 8px 24px 20px; font-size: 14px; }
.files { list-style: none; margin: 0; padding: 16px 24px; }
.files li { padding: 6px 0; }
.files a { color: var(--accent); }
@media (max-width: 720px) {
  header.bar { flex-wrap: wrap; padding: 10px 16px; } header.bar button { margin-left: auto; } header.bar form { order: 3; flex-basis: 100%; max-width: none; }
  main { padding: 14px 12px; }
  .mails a { grid-template-columns: minmax(0, 1fr) max-content; gap: 2px 12px; } .mails .subject { grid-row: 2; grid-column: 1 / -1; } .mails .size { display: none; }
}
`;

/** Local times, a list that follows what arrives, and the button that removes all. The pages work without it. */
export const script = `
const localTimes = () => {
  for (const element of document.querySelectorAll('time')) {
    const date = new Date(element.dateTime);
    const today = date.toDateString() === new Date().toDateString();
    element.textContent = today ? date.toLocaleTimeString() : date.toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
    element.title = date.toLocaleString();
  }
};
localTimes();

document.querySelector('#clear')?.addEventListener('click', async () => {
  if (!confirm('Remove all messages?')) return;
  await fetch('/api/messages', { method: 'DELETE' });
  location.assign('/');
});

const list = document.querySelector('[data-newest]');
if (list && !new URLSearchParams(location.search).has('before')) {
  let newest = list.dataset.newest;
  setInterval(async () => {
    if (document.hidden) return;
    try {
      const answer = await (await fetch('/api/count')).json();
      if (String(answer.newest) === newest) return;
      newest = String(answer.newest);
      const page = await (await fetch(location.href)).text();
      document.querySelector('main').replaceWith(new DOMParser().parseFromString(page, 'text/html').querySelector('main'));
      localTimes();
    } catch { /* The catcher is away; the next round asks again. */ }
  }, 2000);
}
`;
