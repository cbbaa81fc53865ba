import { expect, it } from 'vitest';
import { builtInReasons, makeAudience } from '../../src/bench/excluded-audience.ts';
import { queueMessage } from '../../src/contacts/audience/queue-message.ts';
import { useTestDatabase } from '../support/database.ts';

const database = useTestDatabase();

it('each built-in reason of an exclusion is met among the contacts that queueing is measured with', async () => {
  const campaign = await makeAudience(database.db, 10_000);
  const { queued, excluded } = await queueMessage(database.db, campaign, {
    undeliveredMaximum: 5,
    checkSuppressionList: true,
    languages: ['en', 'de'],
    defaultLanguage: 'en',
  });
  expect(Object.keys(excluded).sort()).toEqual([...builtInReasons].sort());
  expect(queued).toBeGreaterThan(8_000);
});
