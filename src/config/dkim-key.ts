import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { InputError } from '../domain/errors.ts';
import type { DkimKey } from '../message/dkim/dkim.ts';

/** EXM_DKIM_DOMAIN, EXM_DKIM_SELECTOR and EXM_DKIM_KEY_FILE: all three, or none. */
export interface DkimSettings {
  readonly domain?: string | undefined;
  readonly selector?: string | undefined;
  readonly keyFile?: string | undefined;
}

export const dkimVariables = {
  domain: 'EXM_DKIM_DOMAIN',
  selector: 'EXM_DKIM_SELECTOR',
  keyFile: 'EXM_DKIM_KEY_FILE',
} as const satisfies Record<keyof DkimSettings, string>;

/** What `d=` and `s=` may be, and what to say where they are not. */
export const dkimDomain = {
  form: /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}$/i,
  expected: 'must be a domain such as example.com, in its ASCII form',
};
export const dkimSelector = {
  form: /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i,
  expected: 'must be letters, digits and hyphens, as in mail-2026',
};

/** RFC 8301 section 3.2: signers use 2048 bits at least. */
export const rsaMinimumBits = 2_048;
/** What verifiers need not take (RFC 8301), and larger keys do not fit into DNS well. */
const rsaMaximumBits = 4_096;
/** A key is a few kilobytes; what is much larger is another file. */
const fileMaximum = 64 * 1_024;

const makeKey = 'Make a key with "exm keys dkim --domain DOMAIN --selector SELECTOR".';

/**
 * The key by which this host signs its messages; undefined where it does not.
 * @throws InputError DKIM_INCOMPLETE, DKIM_KEY_FILE or DKIM_KEY, none of which shows anything of the key
 */
export function loadDkimKey(settings: DkimSettings): DkimKey | undefined {
  const { domain, selector, keyFile } = settings;
  if (domain === undefined && selector === undefined && keyFile === undefined) return undefined;
  if (domain === undefined || selector === undefined || keyFile === undefined) {
    const missing = Object.entries(dkimVariables)
      .filter(([key]) => settings[key as keyof DkimSettings] === undefined)
      .map(([, variable]) => variable);
    throw new InputError(
      'DKIM_INCOMPLETE',
      `Messages cannot be signed: ${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not set.`,
      {
        field: missing.join(', '),
        hint: `Set ${Object.values(dkimVariables).join(', ')}, or none of them. ${makeKey}`,
      },
    );
  }
  return { domain, selector, privateKey: readPrivateKey(keyFile) };
}

function readPrivateKey(file: string): KeyObject {
  const pem = readKeyFile(file);
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    // OpenSSL's own words help nobody, and might quote the file.
    throw wrongKey(file, 'holds no private key in PEM form without a passphrase', makeKey);
  }
  if (key.asymmetricKeyType === 'ed25519') return key;
  if (key.asymmetricKeyType !== 'rsa') {
    throw wrongKey(
      file,
      `holds a key of the type ${key.asymmetricKeyType}: DKIM has RSA and Ed25519`,
      makeKey,
    );
  }
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < rsaMinimumBits || bits > rsaMaximumBits) {
    const why = `holds an RSA key of ${bits} bits: it must have ${rsaMinimumBits} to ${rsaMaximumBits} (RFC 8301)`;
    throw wrongKey(file, why, `${makeKey} Publish its record before it is used.`);
  }
  return key;
}

function readKeyFile(file: string): Buffer {
  try {
    const found = statSync(file);
    if (!found.isFile() || found.size > fileMaximum) {
      throw unreadable(file, 'is no key file', 'Name the file that "exm keys dkim" wrote.');
    }
    // Whoever can read it can sign in the domain's name. A group may: that is how containers are given secrets.
    if (process.platform !== 'win32' && (found.mode & 0o007) !== 0) {
      const mode = (found.mode & 0o777).toString(8);
      const hint = `Run: chmod 600 ${file} (for a container's secret, give it the mode 0440).`;
      throw unreadable(file, `is open to everybody on this host (mode ${mode})`, hint);
    }
    return readFileSync(file);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw unreadable(file, `cannot be read: ${(error as Error).message}`, `Correct the path. ${makeKey}`);
  }
}

function unreadable(file: string, why: string, hint: string): InputError {
  return new InputError('DKIM_KEY_FILE', `The DKIM key file ${file} ${why}.`, {
    field: dkimVariables.keyFile,
    value: file,
    hint,
  });
}

function wrongKey(file: string, why: string, hint: string): InputError {
  return new InputError('DKIM_KEY', `The DKIM key file ${file} ${why}.`, {
    field: dkimVariables.keyFile,
    value: file,
    hint,
  });
}
