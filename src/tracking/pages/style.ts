/** The one style sheet of all pages: light and dark, from a phone's width on, with fingers and by keyboard. */
export const style = `
*,::before,::after{box-sizing:border-box}
:root{color-scheme:light dark;--ground:#f3f1ec;--card:#fff;--ink:#1f2328;--soft:#59616b;--line:#d9d6cf;--field:#8a8f98;
--accent:#1f5f4a;--accent-ink:#fff;--focus:#b45309}
@media (prefers-color-scheme:dark){:root{--ground:#16181b;--card:#212429;--ink:#eceef0;--soft:#aab2bb;--line:#3a3f46;
--field:#7d858f;--accent:#7fd1b2;--accent-ink:#0d1f18;--focus:#fbbf24}}
body{margin:0;min-height:100vh;min-height:100dvh;display:grid;place-items:center;padding:24px 16px;
background:var(--ground);color:var(--ink);font:17px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{width:100%;max-width:33rem;background:var(--card);border:1px solid var(--line);border-radius:16px;
padding:clamp(24px,6vw,44px);overflow-wrap:anywhere}
.from{margin:0 0 8px;color:var(--soft);font-size:.875rem;font-weight:600;letter-spacing:.02em}
h1{margin:0 0 12px;font-size:clamp(1.5rem,5.5vw,1.9rem);line-height:1.2;letter-spacing:-.01em;text-wrap:balance}
p{margin:0 0 16px}p:last-child{margin-bottom:0}
form{display:grid;gap:20px;margin:28px 0}main>form:last-child{margin-bottom:0}
.hint{margin:6px 0 0;color:var(--soft);font-size:.9375rem}
.small{color:var(--soft);font-size:.9375rem}
.notice{border-left:4px solid var(--focus);padding-left:14px}
fieldset{min-width:0;margin:0;padding:0;border:0}
legend{padding:0;margin-bottom:6px;font-size:1.0625rem;font-weight:650}
fieldset>.hint{margin-bottom:4px}
label.check{display:flex;gap:14px;align-items:flex-start;min-height:48px;padding:10px 0;border-bottom:1px solid var(--line);cursor:pointer}
label.check:last-of-type{border-bottom:0}
label.check input{flex:none;width:24px;height:24px;margin:1px 0 0;accent-color:var(--accent);cursor:pointer}
.field{display:grid;gap:6px;margin-top:14px}.field:first-of-type,form>.field{margin-top:0}
.field label{font-weight:600;font-size:.9375rem}.field label span{font-weight:400;color:var(--soft)}
input[type=text],input[type=email],select{width:100%;min-height:48px;padding:10px 12px;border:1px solid var(--field);border-radius:10px;
background:var(--card);color:inherit;font:inherit}
input[aria-invalid=true]{border-color:var(--focus);border-width:2px}
.wrong{margin:0;color:var(--focus);font-weight:600;font-size:.9375rem}
.trap{position:absolute;left:-10000px;width:1px;height:1px;overflow:hidden}
.proof{margin:0;padding:14px 16px;border:1px solid var(--line);border-radius:10px}
button{width:100%;min-height:52px;padding:12px 20px;border-radius:10px;border:2px solid var(--accent);
font:inherit;font-weight:600;cursor:pointer;background:transparent;color:var(--accent)}
button.first{background:var(--accent);color:var(--accent-ink)}
button:hover{filter:brightness(1.08)}
.undo{display:flex;flex-wrap:wrap;gap:10px 16px;align-items:center;margin:20px 0 0}.undo p{margin:0;flex:1 1 10rem}
.undo button{width:auto;min-height:48px}
a{color:var(--accent)}a.line{display:inline-block;padding:12px 0;font-weight:600}
:focus-visible{outline:3px solid var(--focus);outline-offset:3px}
@media (prefers-contrast:more){main,.proof{border-color:currentColor}.hint,.small,.from{color:inherit}}
`;
