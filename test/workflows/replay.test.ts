import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import { describe, expect, test } from 'vitest';
import { workflowBundle } from '../../src/temporal/workflow-bundle.ts';
import { historiesFolder } from '../support/histories.ts';

/**
 * Histories of campaigns that were really run (`npm run record:histories`), replayed by the workflows as they are now:
 * a change that would break campaigns that are running when it is deployed fails here.
 */
describe('the workflows as they are now', () => {
  const files = readdirSync(historiesFolder).filter((name) => name.endsWith('.json'));

  test('have histories to be held against', () => {
    expect(files.length).toBeGreaterThanOrEqual(8);
  });

  test.each(files)('replay %s', async (file) => {
    const history: unknown = JSON.parse(readFileSync(join(historiesFolder, file), 'utf8'));
    await Worker.runReplayHistory({ workflowBundle: workflowBundle() }, history);
  });

  test.each(files)('hold nothing personal in %s', (file) => {
    const text = readFileSync(join(historiesFolder, file), 'utf8');
    // Payloads are in base64: they are looked at as what they say.
    const payloads = [...text.matchAll(/"data":"([A-Za-z0-9+/=]+)"/g)].map(([, data]) =>
      Buffer.from(data ?? '', 'base64').toString(),
    );
    expect(payloads.length).toBeGreaterThan(0);
    for (const payload of payloads) expect(payload).not.toMatch(/@example\.(?:com|org)|Müller|Name\d/);
  });
});
