import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import { dkimRecord, dkimRecordName } from '../../src/message/dkim/dkim-record.ts';

/** One of each kind, made once: an RSA key takes its time. */
export const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey;
export const ed25519 = generateKeyPairSync('ed25519').privateKey;

export interface DkimVerdict {
  /** `pass`, or what is wrong. */
  readonly result: string;
  readonly comment?: string | undefined;
  readonly domain: string;
  readonly algorithm: string;
  readonly canonicalization: string;
  /** Names in `h=`, lower case, in order. */
  readonly signed: readonly string[];
}

/** What mailauth's results have beyond their declared type. */
interface Result {
  readonly status: { readonly result: string; readonly comment?: string };
  readonly signingDomain: string;
  readonly algo: string;
  readonly format: string;
}

/** What mailauth says of each signature of a message, where DNS has this key's record under its name, and nothing else. */
export async function dkimVerdicts(
  raw: Buffer,
  published: { domain: string; selector: string; privateKey: KeyObject },
): Promise<DkimVerdict[]> {
  const record = dkimRecord(createPublicKey(published.privateKey));
  const { results } = await dkimVerify(raw, {
    resolver: async (name, type) => {
      if (name === dkimRecordName(published) && type === 'TXT') return [[record]];
      throw Object.assign(new Error(`no ${type} of ${name}`), { code: 'ENOTFOUND' });
    },
  });
  const names = /^DKIM-Signature:(?:[^\r]|\r\n[ \t])*?\bh=([^;]*);/m.exec(raw.toString('latin1'))?.[1] ?? '';
  return (results as unknown as Result[]).map(({ status, signingDomain, algo, format }) => ({
    result: status.result,
    ...(status.comment === undefined ? {} : { comment: status.comment }),
    domain: signingDomain,
    algorithm: algo,
    canonicalization: format,
    signed: names.toLowerCase().split(/\s*:\s*/),
  }));
}
