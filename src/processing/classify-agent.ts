import { isbot } from 'isbot';

/**
 * Who made an event, stored as what it is and counted apart: nothing is dropped. A mail server's are bounces and complaints,
 * which no program fetches.
 */
export const agents = ['person', 'image-proxy', 'prefetch', 'link-scanner', 'bot', 'mail-server'] as const;
export type Agent = (typeof agents)[number];

/** Mailbox providers' proxies, which fetch the images in the recipient's place when a message is opened. */
const imageProxies = [
  /GoogleImageProxy|ggpht\.com/i,
  /YahooMailProxy/i,
  /(?:image|mail|content)[\s_-]?proxy/i,
  /Mail\.RU_Bot/i,
];

/**
 * Apple's Mail Privacy Protection, and some proxies after its model, fetch every image with this and nothing more, whether or
 * not anybody ever reads the message. No browser or mail program says so little.
 */
const bareMozilla = /^Mozilla\/[45]\.0$/;

/** Products that follow the links of a message to see where they lead, before it is delivered or when it is clicked. */
const linkScanners =
  /\b(?:barracuda|proofpoint|mimecast|messagelabs|symantec|fireeye|trellix|ironport|sophos|forti(?:net|guard|mail)|zscaler|bitdefender|trend ?micro|mcafee|avira|eset|kaspersky|forcepoint|cloudmark|vade|safelinks|safebrowsing|urldefense|urlscan|virustotal|link[\s_-]?(?:check|scan)|url[\s_-]?check|phish)/i;

/** Mail programs. They say so little about themselves that a list of bots takes them for one. */
const mailPrograms =
  /^(?:Outlook-(?:iOS|Android)|Microsoft Office|Airmail|Spark|Canary|eM ?Client|K-9|FairEmail|Mail\/[\d.]+ CFNetwork|com\.samsung\.android\.email)|Thunderbird\/|Microsoft Outlook|Lotus-Notes/i;

/**
 * Tells from its user agent who made an event. It is a guess in favour of people: a scanner that says it is a browser
 * counts as a person. Whoever says nothing at all is no browser and no mail program.
 */
export function classifyAgent(userAgent: string): Agent {
  const name = userAgent.trim();
  if (imageProxies.some((proxy) => proxy.test(name))) return 'image-proxy';
  if (bareMozilla.test(name)) return 'prefetch';
  if (linkScanners.test(name)) return 'link-scanner';
  if (mailPrograms.test(name)) return 'person';
  return name === '' || isbot(name) ? 'bot' : 'person';
}
