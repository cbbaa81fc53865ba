import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type JournalEntry, parseJournal } from '../../../src/dispatch/journal/journal-lines.ts';

export const sent = (position: number, contactId = position) => ({
  position,
  contactId,
  outcome: { kind: 'sent', reply: '250 ok', messageId: `<${position}@x>` } as const,
  at: new Date(1_700_000_000_000 + position),
});

export const putOff = (position: number) => ({
  position,
  attempts: 1,
  sinceFirstMs: 0,
  dueInMs: 60_000,
  reply: '451',
});

/** All that stands in the journals of a folder. */
export function written(folder: string): JournalEntry[] {
  return readdirSync(folder).flatMap(
    (name) => parseJournal(readFileSync(join(folder, name), 'utf8')).entries,
  );
}

export const positions = (folder: string) =>
  written(folder).map((entry) => ('position' in entry ? entry.position : 0));
