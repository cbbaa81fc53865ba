import { z } from 'zod';
import { defaultPool } from '../../domain/names.ts';
import { deliveries, type Emulation, type Mailbox } from '../content.ts';
import { asciiAddress, isAddress, parseMailbox } from '../mailbox.ts';
import { filesSchema } from './files-schema.ts';
import { ruleKeys, rulesSchema } from './rules-schema.ts';
import { abTestSchema } from './test-schema.ts';

/** Text that a database, a header and a person can read: no control characters but newline and tab, valid Unicode. */
export const isReadable = (text: string) => !/\p{Surrogate}/u.test(text) && !/[^\P{Cc}\n\t]/u.test(text);
const oneLine = (text: string) => isReadable(text) && !/[\n\t\u2028\u2029]/.test(text);

const line = (maximum: number) =>
  z
    .string('must be text')
    .refine(oneLine, 'must be one line of text without control characters')
    .refine((text) => text.trim() !== '', 'must not be empty')
    .refine((text) => text.length <= maximum, `must have at most ${maximum} characters`)
    .transform((text) => text.trim());

const mailbox = z.string('must be text').transform((text, context): Mailbox => {
  const parsed = parseMailbox(text);
  if (parsed !== undefined) return parsed;
  context.addIssue('must be a mailbox such as "News <news@example.com>"');
  return z.NEVER;
});

/** A header with another address would make every message one for SMTPUTF8 alone (RFC 6532), whoever it is to. */
const replyMailbox = mailbox.refine(
  (given) => /^[\0-\x7f]*$/.test(asciiAddress(given.address)),
  'must be ASCII before its @: few mail servers take another address in a header',
);

const address = z
  .string('must be text')
  .refine(isAddress, 'must be an email address such as ada@example.com')
  .transform((text) => text.trim());

/** RFC 5322 section 2.1.1 allows 998 octets in a line; a longer subject is no subject. */
const subject = line(998).refine(
  (text) => Buffer.byteLength(text) <= 998,
  'must have at most 998 bytes in UTF-8',
);

const template = line(1_000).refine(
  (path) => /\.(?:mjml|html?)$/i.test(path),
  'must be the path of an .mjml or .html file',
);
const textFile = line(1_000).refine((path) => /\.txt$/i.test(path), 'must be the path of a .txt file');

const language = z
  .string('must be text')
  .refine(isLanguage, 'must be a language such as en, de or pt-br')
  .transform((tag) => tag.toLowerCase());

/** Checked as a BCP 47 tag; `Intl` knows the grammar. */
export function isLanguage(tag: string): boolean {
  if (!/^[a-z]{2,3}(?:-[a-z0-9]{1,8})*$/i.test(tag) || tag.length > 35) return false;
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}

/** Languages to fall back on by language; one alone needs no brackets. */
const fallback = z
  .record(
    z.string(),
    z.union(
      [
        language.transform((tag) => [tag]),
        z.array(language).min(1, 'must name at least one language').max(20, 'must have at most 20 languages'),
      ],
      'must be a language such as de, or a list such as [es, fr]',
    ),
    'must be languages by language, such as {ca: [es, fr]}',
  )
  .refine((rules) => Object.keys(rules).length <= 100, 'must have at most 100 entries');

/** Names that can stand in a token as `campaign.NAME`. */
export const tokenName = /^[a-zA-Z][a-zA-Z0-9_-]{0,63}$/;

const value = z
  .union([z.string(), z.number(), z.boolean()], 'must be text, a number, true or false')
  .transform(String)
  .refine(
    (text) => isReadable(text) && text.length <= 10_000,
    'must be readable text of at most 10000 characters',
  );

const list = line(200);
const lists = z
  .array(list, 'must be a list of list names, such as [customers]')
  .max(100, 'must have at most 100 names');

const httpUrl = line(4_000).refine(
  (text) => /^https?:\/\/[^\s/]/i.test(text),
  'must be a web address such as https://example.com/',
);

const milliseconds = z
  .int('must be whole milliseconds')
  .min(0, 'must not be negative')
  .max(600_000, 'must be at most 600000 (10 minutes)');

const emulation = z
  .strictObject(
    {
      delayMs: z
        .tuple([milliseconds, milliseconds], 'must be two numbers of milliseconds, such as [20, 80]')
        .optional(),
      minimumMs: milliseconds.optional(),
      maximumMs: milliseconds.optional(),
      failureProbability: z
        .number('must be a number from 0 to 1')
        .min(0, 'must be a number from 0 to 1')
        .max(1, 'must be a number from 0 to 1')
        .default(0),
    },
    'must be settings such as {delayMs: [20, 80], failureProbability: 0}',
  )
  .transform(({ delayMs, minimumMs, maximumMs, failureProbability }, context): Emulation => {
    const least = delayMs?.[0] ?? minimumMs ?? 0;
    const most = delayMs?.[1] ?? maximumMs ?? least;
    if (least <= most) return { minimumMs: least, maximumMs: most, failureProbability };
    context.addIssue('must have a shortest delay that is not longer than the longest');
    return z.NEVER;
  });

const goal = z.strictObject(
  {
    name: line(200),
    url: httpUrl,
    value: z.int('must be a whole number').min(0, 'must not be negative').max(1_000_000_000).default(0),
  },
  'must be a goal such as {name: order, url: "https://example.com/thanks", value: 10}',
);

const body = z.strictObject(
  { subject: subject.optional(), template: template.optional(), text: textFile.optional() },
  'must be a body such as {subject: "Hallo", template: de.mjml}',
);

const abTest = abTestSchema(mailbox, body);

/** The keys of a campaign file. Unknown keys are errors. */
export const campaignFileSchema = z.strictObject(
  {
    name: line(200),
    from: mailbox,
    replyTo: replyMailbox.optional(),
    subject: subject.optional(),
    template: template.optional(),
    text: textFile.optional(),
    language: language.default('en'),
    fallback: fallback.optional(),
    bodies: z
      .record(z.string(), body, 'must be bodies by language, such as {de: {subject: "Hallo"}}')
      .default({}),
    test: abTest.schema.optional(),
    include: lists.min(1, 'must name at least one list'),
    exclude: lists.default([]),
    values: z.record(z.string(), value, 'must be values by name, such as {season: autumn}').default({}),
    pool: z
      .string('must be text')
      .regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'must be lower-case letters, digits and hyphens, at most 40')
      .default(defaultPool),
    testTo: z
      .array(address, 'must be a list of addresses')
      .max(50, 'must have at most 50 addresses')
      .default([]),
    goals: z
      .array(goal, 'must be a list of goals')
      .max(100, 'must have at most 100 goals')
      .refine(
        (goals) => new Set(goals.map(({ name }) => name)).size === goals.length,
        'must have different names',
      )
      .default([]),
    notify: z
      .strictObject(
        { mail: address.optional(), webhook: httpUrl.optional() },
        'must be {mail: ..., webhook: ...}',
      )
      .default({}),
    rules: rulesSchema.optional(),
    ...filesSchema,
    emulation: emulation.optional(),
    delivery: z.enum(deliveries, `must be ${deliveries.join(' or ')}`).optional(),
  },
  'must be keys and values, such as "name: Autumn"',
);

export type CampaignFileKeys = z.output<typeof campaignFileSchema>;

/** Keys known at a place of the file, for a guess at what was meant. */
export function keysKnownAt(path: readonly PropertyKey[]): readonly string[] {
  const [first, second] = path;
  if (first === undefined) return Object.keys(campaignFileSchema.shape);
  if (first === 'bodies' && second !== undefined) return Object.keys(body.shape);
  if (first === 'test') return abTest.keysKnownAt(path.slice(1));
  if (first === 'goals' && second !== undefined) return Object.keys(goal.shape);
  if (first === 'rules' && second !== undefined) return ruleKeys;
  if (first === 'notify') return ['mail', 'webhook'];
  if (first === 'emulation') return ['delayMs', 'minimumMs', 'maximumMs', 'failureProbability'];
  return [];
}
