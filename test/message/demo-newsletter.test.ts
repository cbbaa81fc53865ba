import PostalMime from 'postal-mime';
import { describe, expect, test } from 'vitest';
import { checkContent } from '../../src/message/check/check-content.ts';
import { MessageComposer } from '../../src/message/compose.ts';
import { readCampaignFile } from '../../src/message/definition/campaign-file.ts';
import { freezeContent } from '../../src/message/freeze/freeze-content.ts';
import { packagePath } from '../../src/package-path.ts';
import { baseUrl, keys, recipient } from './fixtures.ts';

/** Gmail cuts longer messages off, and with them the unsubscribe link. Bytes of HTML. */
const gmailMaximum = 102_000;

const { definition, locate } = await readCampaignFile(packagePath('demo/newsletter/campaign.yaml'));
const { content } = await freezeContent(definition, { campaignId: 'october-letter-7k3f', baseUrl });
const composer = new MessageComposer(content, keys);

describe("the demo's newsletter", () => {
  test('hides its preview without painting it white on white, as spammers do', () => {
    for (const { html } of content.bodies) {
      const preview = /<div style="display:none;([^"]*)">/.exec(html)?.[1];
      expect(preview).toContain('max-height:0px');
      expect(preview).not.toContain('color');
    }
  });

  test('uses only tokens that exist whatever facets the contacts have, and has nothing to warn of', async () => {
    expect(await checkContent(definition, { locate })).toMatchObject({ findings: [], facets: [] });
  });

  test.each(['en', 'de', 'fr'])(
    'is whole in %s, for somebody we know all about and for somebody we know nothing about',
    async (language) => {
      const facets = { city: 'Kraków', customerSince: '2018-02-08', interest: 'cycling' };
      for (const person of [recipient({ facets }), recipient({ firstName: '', lastName: '', facets: {} })]) {
        const { raw } = await composer.compose(person, 1, 0, language);
        const mail = await PostalMime.parse(raw);
        expect(mail.subject).toMatch(/^\S.*\S$/);
        expect(mail.html).toContain(`<html lang="${language}"`);
        expect(mail.html?.length).toBeLessThan(gmailMaximum);
        for (const part of [mail.html, mail.text]) {
          expect(part).toContain(`${baseUrl}/u/`);
          expect(part).toContain(`${baseUrl}/v/`);
          expect(part).toContain(`${baseUrl}/c/`);
          expect(part).not.toMatch(/\{\{|\{%|https:\/\/(?:shop\.)?fennel/);
        }
        expect(mail.html).not.toMatch(/<img(?![^>]*\/o\/)|googleapis/);
      }
    },
  );
});
