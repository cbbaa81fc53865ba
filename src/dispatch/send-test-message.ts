import { findCampaign } from '../campaigns/find-campaign.ts';
import { findRecipient } from '../contacts/audience/find-recipient.ts';
import type { Recipient } from '../contacts/audience/recipient.ts';
import type { TestSendResult } from '../db/schema.ts';
import { MessageComposer } from '../message/compose.ts';
import type { FrozenContent } from '../message/content.ts';
import { loadFiles } from '../message/content-files.ts';
import { currentContent } from '../message/freeze/current-content.ts';
import { EmulatedSession } from '../smtp/emulation.ts';
import type { DispatchHost } from './dispatch-host.ts';
import { loadReturnPaths } from './load-return-paths.ts';
import { readTestSend, storeTestResults } from './test-send.ts';

/** Position of a test message: no recipient of the queue has it, so its links count in no statistics. */
const testPosition = 0;

/**
 * Sends a campaign's message, frozen or as it is now, to the addresses of a test send, marked as a test. An address that belongs
 * to a contact gets it with that contact's values, any other with empty ones. Consent is not asked: a test goes to
 * the people who make the campaign. What the mail server said stands in the test send's results.
 */
export async function sendTestMessage(
  host: DispatchHost,
  { campaignId, testSendId }: { campaignId: string; testSendId: string },
): Promise<{ sent: number; failed: number }> {
  const test = await readTestSend(host.db, testSendId);
  const campaign = await findCampaign(host.db, campaignId);
  const { definition } = campaign;
  const { baseUrl, unsubscribeAddress, bounceDomain, managerRoot } = host;
  const { content } = await currentContent(host.db, campaign, { baseUrl, unsubscribeAddress, managerRoot });
  const files = await loadFiles(host.db, content);
  const returnPaths = await loadReturnPaths(host.db, campaignId, bounceDomain);
  const options = { test: true, files, signer: host.dkim, returnPaths };
  const composer = new MessageComposer(content, host.keys, options);
  const languages = test.languages.length > 0 ? test.languages : [definition.defaultLanguage];
  const variants = test.variants.length > 0 ? test.variants : variantsOf(content);
  const emulation = content.emulation ?? host.emulation;
  const session = emulation === undefined ? await host.sessions.acquire() : new EmulatedSession(emulation);
  const results: TestSendResult[] = [];
  try {
    for (const address of test.addresses) {
      const recipient = await recipientOf(host, address);
      for (const language of languages) {
        for (const variant of variants) {
          const message = await composer.compose(recipient, testPosition, variant, language);
          const result = await session.send(message);
          results.push({ address, language, variant, ok: result.kind === 'accepted', reply: result.reply });
        }
      }
    }
  } finally {
    host.sessions.release(session);
    await storeTestResults(host.db, testSendId, results);
  }
  const sent = results.filter(({ ok }) => ok).length;
  return { sent, failed: results.length - sent };
}

/** A test that leaves out what recipients get would be none. */
function variantsOf({ bodies }: FrozenContent): number[] {
  return [...new Set(bodies.map(({ variant }) => variant))];
}

async function recipientOf(host: DispatchHost, address: string): Promise<Recipient> {
  const known = await findRecipient(host.db, address);
  return known === undefined
    ? { contactId: 0, email: address, firstName: '', lastName: '', language: '', facets: {} }
    : { ...known, email: address };
}
