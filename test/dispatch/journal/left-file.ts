import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { pidNamespace } from '../../../src/local/process-identity.ts';

/** Writes a file of a process that has ended, line by line. */
export function leftFile(
  folder: string,
  name: string,
  lines: readonly unknown[],
  owner: object = {},
): string {
  const head = {
    journal: 1,
    server: 'killed',
    host: hostname(),
    pids: pidNamespace(),
    process: { pid: 2 ** 22 + 1, identity: 'gone' },
    ...owner,
  };
  const path = join(folder, `${name}.journal`);
  writeFileSync(
    path,
    [head, ...lines].map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'),
  );
  return path;
}
export const sentLine = (campaignId: string, position: number, contactId: number, more: object = {}) => [
  ...['o', campaignId, 1, 1, position, contactId],
  { kind: 'sent', reply: '250 ok', messageId: '<x>', ...more },
  1_700_000_000_000,
];
