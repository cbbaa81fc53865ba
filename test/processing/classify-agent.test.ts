import { expect, it } from 'vitest';
import { type Agent, classifyAgent } from '../../src/processing/classify-agent.ts';

const webkit = 'AppleWebKit/605.1.15 (KHTML, like Gecko)';

it.each<[Agent, string]>([
  [
    'image-proxy',
    'Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)',
  ],
  ['image-proxy', 'YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html'],
  ['prefetch', 'Mozilla/5.0'],
  ['prefetch', ' Mozilla/4.0 '],
  ['image-proxy', 'Example Image-Proxy/1.0'],
  ['link-scanner', 'Mozilla/5.0 (compatible; Barracuda Sentinel (EE))'],
  ['link-scanner', 'Mimecast URL Protect'],
  ['link-scanner', 'Mozilla/5.0 (Windows NT 10.0) Proofpoint-TAP/1.0'],
  ['link-scanner', 'ESET-URL/1.0'],
  ['bot', 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)'],
  ['bot', 'Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)'],
  ['bot', 'curl/8.5.0'],
  ['bot', 'python-requests/2.31.0'],
  ['bot', ''],
  ['bot', '   '],
  [
    'person',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
  ],
  ['person', `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${webkit}`],
  ['person', `Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) ${webkit} Mobile/15E148`],
  ['person', 'Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Thunderbird/115.12.2'],
  ['person', 'Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17628; Pro)'],
  ['person', 'Outlook-iOS/723.4027091.prod.iphone (4.2420.0)'],
  ['person', 'com.samsung.android.email.provider/6.1.90'],
])('%s is who says "%s"', (agent, userAgent) => {
  expect(classifyAgent(userAgent)).toBe(agent);
});
