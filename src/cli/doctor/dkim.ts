import { createPublicKey } from 'node:crypto';
import { Resolver } from 'node:dns/promises';
import { type DkimSettings, dkimVariables, loadDkimKey } from '../../config/dkim-key.ts';
import type { Environment } from '../../config/environment.ts';
import type { DkimKey } from '../../message/dkim/dkim.ts';
import { asDnsStrings, dkimRecord, dkimRecordName } from '../../message/dkim/dkim-record.ts';
import { type Check, ok, warning, wrong, wrongBecause } from './check.ts';

const name = 'DKIM';
const answerTimeoutMs = 3_000;

type TextRecords = (name: string) => Promise<string[][]>;

/** The key that signs messages: that it can be used, and that its other half is published. */
export async function checkDkim(env: Environment, textRecords: TextRecords = askDns): Promise<Check[]> {
  let key: DkimKey | undefined;
  try {
    key = loadDkimKey(settingsOf(env));
  } catch (error) {
    return [wrongBecause(name, error, 'Correct the variables, or leave all three out.')];
  }
  if (key === undefined) return [];
  const recordName = dkimRecordName(key);
  const record = dkimRecord(createPublicKey(key.privateKey));
  const publish = `Publish: ${recordName}. IN TXT ( ${asDnsStrings(record)} )`;
  const signs = `signs for senders of ${key.domain} and below`;
  try {
    const published = (await textRecords(recordName)).map((strings) => strings.join(''));
    if (published.some((one) => publicKeyIn(one) === publicKeyIn(record)))
      return [ok(name, `${signs}; its record is published`)];
    if (published.length > 0)
      return [wrong(name, `${signs}; ${recordName} is the record of another key`, publish)];
    return [wrong(name, `${signs}; ${recordName} is not published`, publish)];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTFOUND' || code === 'ENODATA')
      return [wrong(name, `${signs}; ${recordName} is not published`, publish)];
    return [warning(name, `${signs}; ${recordName} could not be looked up (${code})`, publish)];
  }
}

function settingsOf(env: Environment): DkimSettings {
  const entries = Object.entries(dkimVariables).map(([key, variable]) => [key, env[variable] || undefined]);
  return Object.fromEntries(entries) as DkimSettings;
}

/** The tag p= of a record (RFC 6376 section 3.6.1), in which spaces say nothing. */
function publicKeyIn(record: string): string | undefined {
  return /(?:^|;)\s*p\s*=([^;]*)/.exec(record)?.[1]?.replace(/\s/g, '');
}

async function askDns(recordName: string): Promise<string[][]> {
  return await new Resolver({ timeout: answerTimeoutMs, tries: 1 }).resolveTxt(recordName);
}
