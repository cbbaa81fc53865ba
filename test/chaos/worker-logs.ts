import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/** pino's level of an error. */
const errorLevel = 50;
/** Not of this program. */
const engines = /^(?:postgres|temporal)\./;

/** Errors in the logs of the workers, and what is no line of a log at all, as a crash leaves it: how often each. */
export function errorsInLogs(dataDir: string): Map<string, number> {
  const found = new Map<string, number>();
  const folder = join(dataDir, 'logs');
  if (!existsSync(folder)) return found;
  for (const file of readdirSync(folder)) {
    if (engines.test(file)) continue;
    for (const line of readFileSync(join(folder, file), 'utf8').split('\n')) {
      const error = errorIn(line);
      if (error === undefined) continue;
      const key = `${file}: ${error}`;
      found.set(key, (found.get(key) ?? 0) + 1);
    }
  }
  return found;
}

function errorIn(line: string): string | undefined {
  if (line.trim() === '') return undefined;
  try {
    const entry = JSON.parse(line) as { level?: number; msg?: string; err?: unknown };
    if (entry.level === undefined || entry.level < errorLevel) return undefined;
    return `${entry.msg ?? ''}${entry.err === undefined ? '' : `: ${alike(JSON.stringify(entry.err))}`}`;
  } catch {
    return alike(line);
  }
}

/** Without what differs from one time to the next. */
function alike(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z?/g, '')
    .replace(/\b[0-9a-f]{8}-[0-9a-f-]{27}\b/g, '*')
    .replace(/\d+/g, '#')
    .slice(0, 300);
}
