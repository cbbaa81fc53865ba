import { join, resolve } from 'node:path';
import { z } from 'zod';
import { asciiDomain } from '../contacts/addresses/email-address.ts';
import { InputError } from '../domain/errors.ts';
import { defaultQueuePrefix } from '../domain/names.ts';
import type { Mailbox } from '../message/content.ts';
import { asciiAddress, isAddress, parseMailbox } from '../message/mailbox.ts';
import { returnDomainMaximum } from '../message/return-path.ts';
import { type DkimSettings, dkimDomain, dkimSelector, dkimVariables } from './dkim-key.ts';
import { dataDirOf, type Environment } from './environment.ts';
import { type Keys, readKeys } from './keys.ts';

/** What every process needs to know, from the environment. Temporal's own TEMPORAL_* variables are read by src/temporal. */
export interface Settings {
  /** DATABASE_URL: `postgres://user:password@host:port/database` */
  readonly databaseUrl: string;
  /** EXM_BASE_URL: the one public address of all content-delivery servers (EXM: Analytics.ClusterName), no slash at the end. */
  readonly baseUrl: string;
  /** EXM_UNSUBSCRIBE_ADDRESS: an address whose mail somebody acts on, for who unsubscribes by mail; its domain in ASCII form. */
  readonly unsubscribeAddress: string | undefined;
  /** EXM_BOUNCE_DOMAIN: a domain of ours whose mail comes back to us, in its ASCII form: return paths are made of it. */
  readonly bounceDomain: string | undefined;
  /**
   * EXM_SENDER: who sends the mail that asks to confirm a subscription, `News <news@example.com>`. Content-delivery and
   * the dispatchers read it.
   */
  readonly sender: Mailbox | undefined;
  /** EXM_SMTP_URL: this host's mail server, as nodemailer takes it: `smtp://user:password@host:port` or `smtps://`. */
  readonly smtpUrl: string | undefined;
  /** EXM_QUEUE_PREFIX: keeps installations that share a Temporal namespace apart. */
  readonly queuePrefix: string;
  /** EXM_CONFIG: path of exm.config.ts. */
  readonly configFile: string | undefined;
  /** EXM_JOURNAL_DIR: where this host's dispatchers keep what the database does not have yet. */
  readonly journalDir: string;
  /** EXM_DKIM_DOMAIN, _SELECTOR and _KEY_FILE: how this host's dispatchers sign. They alone read the key. */
  readonly dkim: DkimSettings;
  readonly keys: Keys;
}

const urlWith = (protocols: readonly string[], example: string) =>
  z
    .string()
    .refine(
      (value) => URL.canParse(value) && protocols.includes(new URL(value).protocol),
      `must be a URL such as ${example}`,
    );

const isAsciiText = (text: string) => /^[!-~]*$/.test(text);

const environmentSchema = z.object({
  DATABASE_URL: urlWith(['postgres:', 'postgresql:'], 'postgres://exm:secret@127.0.0.1:5432/exm'),
  EXM_BASE_URL: urlWith(['http:', 'https:'], 'https://mail.example.com')
    .refine((url) => {
      if (!URL.canParse(url)) return true;
      const { username, password, search, hash } = new URL(url);
      return `${username}${password}${search}${hash}` === '';
    }, 'must have no user, password, query or fragment: it stands in every mail')
    .transform((url) => url.replace(/\/+$/, '')),
  EXM_UNSUBSCRIBE_ADDRESS: z
    .string()
    .refine(
      (value) => isAddress(value) && isAsciiText(asciiAddress(value)),
      'must be an email address such as unsubscribe@example.com, of ASCII before its @',
    )
    .transform(asciiAddress)
    .optional(),
  EXM_BOUNCE_DOMAIN: z
    .string()
    .transform((value) => asciiDomain(value.toLowerCase().replace(/\.$/, '')) ?? value)
    .refine((value) => dkimDomain.form.test(value), 'must be a domain such as bounces.example.com')
    .refine(
      ({ length }) => length <= returnDomainMaximum,
      `must have ${returnDomainMaximum} characters at the most, so that an address of it has no more than 254 (RFC 5321)`,
    )
    .optional(),
  EXM_SENDER: z
    .string()
    .refine(
      (value) => parseMailbox(value) !== undefined,
      'must be a sender such as "News <news@example.com>" or news@example.com',
    )
    .transform((value) => parseMailbox(value))
    .optional(),
  EXM_SMTP_URL: urlWith(['smtp:', 'smtps:'], 'smtp://127.0.0.1:25').optional(),
  EXM_QUEUE_PREFIX: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'must be lower-case letters, digits and hyphens, 40 at most')
    .default(defaultQueuePrefix),
  EXM_CONFIG: z.string().optional(),
  EXM_JOURNAL_DIR: z.string().optional(),
  [dkimVariables.domain]: z
    .string()
    .regex(dkimDomain.form, dkimDomain.expected)
    .transform((domain) => domain.toLowerCase())
    .optional(),
  [dkimVariables.selector]: z.string().regex(dkimSelector.form, dkimSelector.expected).optional(),
  [dkimVariables.keyFile]: z.string().optional(),
});

/** The environment variables read here. The keys' are in `keyVariables`. */
export const settingVariables: readonly string[] = Object.keys(environmentSchema.shape);

/** Variables whose value may hold a password and is therefore never shown. */
const secretVariables = new Set(['DATABASE_URL', 'EXM_SMTP_URL', 'EXM_BASE_URL']);

/** What a command needs that only asks the database or Temporal: no keys, no public address. */
export type CommandSettings = Pick<Settings, 'databaseUrl' | 'queuePrefix' | 'configFile'>;

/** @throws InputError that names the first variable that is missing or wrong and what is expected. */
export function readCommandSettings(env: Environment): CommandSettings {
  const schema = environmentSchema.pick({ DATABASE_URL: true, EXM_QUEUE_PREFIX: true, EXM_CONFIG: true });
  const { DATABASE_URL, EXM_QUEUE_PREFIX, EXM_CONFIG } = parseEnvironment(schema, env);
  return { databaseUrl: DATABASE_URL, queuePrefix: EXM_QUEUE_PREFIX, configFile: EXM_CONFIG };
}

/**
 * Checks the environment of a worker.
 * @throws InputError that names the first variable that is missing or wrong and what is expected.
 */
export function readSettings(env: Environment): Settings {
  const read = parseEnvironment(environmentSchema, env);
  const { DATABASE_URL, EXM_BASE_URL, EXM_SMTP_URL, EXM_QUEUE_PREFIX, EXM_CONFIG, EXM_JOURNAL_DIR } = read;
  return {
    databaseUrl: DATABASE_URL,
    baseUrl: EXM_BASE_URL,
    unsubscribeAddress: read.EXM_UNSUBSCRIBE_ADDRESS,
    bounceDomain: read.EXM_BOUNCE_DOMAIN,
    sender: read.EXM_SENDER,
    smtpUrl: EXM_SMTP_URL,
    queuePrefix: EXM_QUEUE_PREFIX,
    configFile: EXM_CONFIG,
    journalDir: resolve(EXM_JOURNAL_DIR ?? join(dataDirOf(undefined, env), 'journal')),
    dkim: {
      domain: read[dkimVariables.domain],
      selector: read[dkimVariables.selector],
      keyFile: read[dkimVariables.keyFile],
    },
    keys: readKeys(env),
  };
}

function parseEnvironment<Schema extends z.ZodType>(schema: Schema, env: Environment): z.output<Schema> {
  const present = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = schema.safeParse(present);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const variable = String(issue?.path[0] ?? 'environment');
  const value = present[variable];
  if (value === undefined) {
    throw new InputError('SETTING_MISSING', `${variable} is not set.`, {
      field: variable,
      hint: 'Run this where "exm up" runs, or set the variable; "exm doctor" lists them all.',
    });
  }
  throw new InputError('SETTING_WRONG', `${variable} ${issue?.message}.`, {
    field: variable,
    ...(secretVariables.has(variable) ? {} : { value }),
    hint: 'Correct the variable; where "exm up" runs it need not be set at all.',
  });
}
