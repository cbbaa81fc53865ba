import type { CampaignDefinition } from '../message/content.ts';

/** The list that the bench's newsletters go to. */
export const benchList = 'subscribers';

const subject = 'News for {{ contact.firstName }}: the evenings are drawing in';
const text = `Dear {{ contact.firstName }},

the evenings are drawing in. See what is new: https://shop.example.com/autumn

To unsubscribe: {{ unsubscribeUrl }}
`;
const paragraph =
  '<p style="margin:0 0 16px;font:16px/24px Georgia,serif;color:#333">The evenings are drawing in, and with them comes the season of mending by lamplight: darning, patching, and the long row of buttons that has waited since the spring.</p>\n';
const closing =
  '<p style="font:12px/18px Georgia,serif;color:#777">You get this because you asked for it. <a href="{{ unsubscribeUrl }}">Unsubscribe</a></p>\n</td></tr></table></body></html>\n';

/** A newsletter's HTML of about so many bytes: the recipient's name, so many tracked links, the way out of the list. */
export function newsletterHtml(bytes: number, links: number): string {
  const opening = `<!doctype html><html><head><title>Autumn</title></head><body style="background:#f5f0e8">
<table role="presentation" width="600" align="center"><tr><td>
<h1 style="font:28px/36px Georgia,serif;color:#9a3412">Dear {{ contact.firstName }} {{ contact.lastName }}</h1>\n`;
  const offers = Array.from(
    { length: links },
    (_, link) =>
      `<p><a href="https://shop.example.com/autumn/offer-${link + 1}" style="color:#9a3412">Look at offer ${link + 1}</a></p>\n`,
  );
  const rest = bytes - opening.length - offers.join('').length - closing.length;
  const paragraphs = Math.max(1, Math.round(rest / paragraph.length));
  const body = Array.from({ length: paragraphs }, (_, at) => {
    // The links stand between the paragraphs, as in a real newsletter.
    const due = offers.slice(
      Math.floor((at * links) / paragraphs),
      Math.floor(((at + 1) * links) / paragraphs),
    );
    return paragraph + due.join('');
  });
  return opening + body.join('') + closing;
}

/** A campaign with that HTML to `benchList`, with a short text part. */
export function newsletter(
  html: string,
  change: Partial<Omit<CampaignDefinition, 'bodies'>> = {},
): CampaignDefinition {
  return {
    name: 'Bench',
    from: { name: 'News', address: 'news@example.com' },
    defaultLanguage: 'en',
    bodies: {
      en: {
        subject,
        template: { format: 'html', file: 'bench.html', source: html },
        text,
        textFile: 'bench.txt',
      },
    },
    include: [benchList],
    exclude: [],
    values: {},
    pool: 'default',
    testTo: [],
    goals: [],
    notify: {},
    ...change,
  };
}
