import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { packagePath } from '../../src/package-path.ts';
import { connectClient } from '../../src/temporal/client-connection.ts';
import type { Installation } from './installation.ts';

export const historiesFolder = packagePath('test/histories');

/**
 * With RECORD_HISTORIES=1: keeps the history of a workflow that was really run, to be replayed by later versions
 * (`npm run record:histories`); that of its last run, where none is named. Otherwise does nothing.
 */
export async function recordHistory(
  installation: Installation,
  workflowId: string,
  name: string,
  runId?: string,
): Promise<void> {
  if (process.env['RECORD_HISTORIES'] === undefined) return;
  const client = await connectClient(installation.env);
  const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  await client.connection.close();
  mkdirSync(historiesFolder, { recursive: true });
  // Stack traces name folders of the machine on which it was recorded, and no replay looks at them.
  const withoutTraces = (key: string, value: unknown) => (key === 'stackTrace' ? undefined : value);
  writeFileSync(
    join(historiesFolder, `${name}.json`),
    `${JSON.stringify(JSON.parse(historyToJSON(history)), withoutTraces)}\n`,
  );
}
