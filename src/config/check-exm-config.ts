import { z } from 'zod';
import { type DispatchManager, overrulableReasons } from '../contacts/audience/managed/dispatch-manager.ts';
import { isReadable, tokenName } from '../message/definition/campaign-schema.ts';
import { didYouMean } from '../message/nearest.ts';
import { pipelineViolations, type Violation } from './check-pipelines.ts';
import type { CustomProcessor, CustomStep, ExmConfig } from './exm-config.ts';

const functions = <T>() =>
  z.record(
    z.string(),
    z.custom<T>((value) => typeof value === 'function', 'a function'),
    'an object of functions by name',
  );

const wholeNumber = (minimum: number, maximum: number) => {
  const expected = `a whole number from ${minimum} to ${maximum}`;
  return z.number(expected).int(expected).min(minimum, expected).max(maximum, expected);
};

const stepNames = z.array(z.string('the name of a step'), 'a list of step names');

const percent = 'a number of percent from 0 to 100';
const percentage = z.number(percent).min(0, percent).max(100, percent);

const hours = 'a number of hours above 0 and at most 720';

const pipelineKeys = { dispatchNewsletter: stepNames.optional(), sendEmail: stepNames.optional() };

const settingKeys = {
  dispatchBatchSize: wholeNumber(1, 5_000).optional(),
  undeliveredMaximum: wholeNumber(0, 1_000).optional(),
  checkSuppressionList: z.boolean('true or false').optional(),
  suppressAfterHardBounces: wholeNumber(0, 100).optional(),
  suppressAfterSoftBounces: wholeNumber(0, 1_000).optional(),
  pauseAtBouncePercent: percentage.optional(),
  pauseAtComplaintPercent: percentage.optional(),
  deferralMaximumHours: z.number(hours).gt(0, hours).max(720, hours).optional(),
  deferralFirstDelaySeconds: wholeNumber(1, 3_600).optional(),
  batchesPerRun: wholeNumber(1, 2_000).optional(),
  checkLinks: z.enum(['warn', 'refuse', 'off'], 'warn, refuse or off').optional(),
  dispatchEnqueueBatchSize: wholeNumber(1, 10_000).optional(),
  dispatchEnqueueThreadsNumber: wholeNumber(1, 16).optional(),
  messageBodyMaxCacheSize: wholeNumber(0, 2_147_483_648).optional(),
};

const text = 'text of at most 10000 characters, without control characters';
const valueName = 'names of letters, digits, "_" and "-" that begin with a letter, 64 characters at most';

const sendLimit = wholeNumber(0, 1_000_000).optional();
const zone = 'the IANA name of a time zone, such as Europe/Berlin';

const sendLimitKeys = {
  day: sendLimit,
  week: sendLimit,
  month: sendLimit,
  timeZone: z.string(zone).refine(isTimeZone, zone).optional(),
};

const managerRootKeys = {
  sendLimits: strictObject(sendLimitKeys, 'an object with day, week, month and timeZone').optional(),
  values: z
    .record(
      z.string().regex(tokenName, valueName),
      z.string(text).max(10_000, text).refine(isReadable, text),
      {
        error: ({ code }) => (code === 'invalid_key' ? valueName : 'an object of texts by name'),
      },
    )
    .refine((values) => Object.keys(values).length <= 200, '200 values at most')
    .optional(),
};

const overrules = `a list of reasons: ${overrulableReasons.join(', ')}`;

const dispatchManagerKeys = {
  recipients: z.custom<DispatchManager['recipients']>((value) => typeof value === 'function', 'a function'),
  overrules: z.array(z.enum(overrulableReasons, overrules), overrules).optional(),
  maximum: wholeNumber(1, 100_000_000).optional(),
};

const configKeys = {
  dispatchManager: strictObject(
    dispatchManagerKeys,
    'an object with recipients, overrules and maximum',
  ).optional(),
  steps: functions<CustomStep>().optional(),
  processors: functions<CustomProcessor>().optional(),
  pipelines: strictObject(pipelineKeys, 'an object with dispatchNewsletter and sendEmail').optional(),
  managerRoot: strictObject(managerRootKeys, 'an object with values and sendLimits').optional(),
  settings: strictObject(settingKeys, 'an object of settings').optional(),
};

const configSchema = strictObject(configKeys, 'an object, as defineConfig({ ... }) takes it');

/** Every key that exists, by the section in which it stands; '' is the file's own object. */
const knownKeys: Readonly<Record<string, readonly string[]>> = {
  '': Object.keys(configKeys),
  pipelines: Object.keys(pipelineKeys),
  managerRoot: Object.keys(managerRootKeys),
  dispatchManager: Object.keys(dispatchManagerKeys),
  'managerRoot.sendLimits': Object.keys(sendLimitKeys),
  settings: Object.keys(settingKeys),
};

/** What the file exports, checked: either the configuration, or everything that is wrong with it. */
export function checkExmConfig(value: unknown): { config: ExmConfig } | { violations: Violation[] } {
  const parsed = configSchema.safeParse(value);
  if (!parsed.success)
    return { violations: parsed.error.issues.flatMap((issue) => violationsOf(issue, value)) };
  const config = parsed.data as ExmConfig;
  const violations = pipelineViolations(config);
  return violations.length === 0 ? { config } : { violations };
}

/** A name that says the same everywhere; PostgreSQL takes offsets by another sign than ISO 8601 does. */
function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]*$/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** One violation as a line of text: `settings.dispatchBatchSize = 0: expected a whole number from 1 to 5000`. */
export function describeViolation({ key, value, problem }: Violation): string {
  const text = (JSON.stringify(value) ?? String(value)).replace(/\s+/g, ' ');
  return `${key} = ${text.length > 120 ? `${text.slice(0, 120)}…` : text}: ${problem}`;
}

/** @param expected what to say where it is no object at all */
function strictObject<Shape extends z.ZodRawShape>(shape: Shape, expected: string) {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : expected),
  });
}

function violationsOf(issue: z.core.$ZodIssue, root: unknown): Violation[] {
  const paths =
    issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
  return paths.map((path) => ({
    key: keyOf(path),
    value: valueAt(root, path),
    problem: issue.code === 'unrecognized_keys' ? unknownKey(path) : `expected ${issue.message}`,
  }));
}

/** Says of a key that does not exist what may have been meant, where it belongs, or which keys there are. */
function unknownKey(path: readonly PropertyKey[]): string {
  const key = String(path.at(-1));
  const section = path.slice(0, -1).join('.');
  const known = knownKeys[section] ?? [];
  const elsewhere = Object.keys(knownKeys).find(
    (other) => other !== section && knownKeys[other]?.includes(key),
  );
  if (elsewhere !== undefined)
    return `there is no such key here. It belongs ${elsewhere === '' ? 'beside' : 'under'} ${elsewhere || section}.`;
  return `there is no such key.${didYouMean(key, known) || ` Known here: ${known.join(', ')}.`}`;
}

function keyOf(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'default export';
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i ? '.' : ''}${String(part)}`))
    .join('');
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, part) => (value as Record<PropertyKey, unknown>)[part], root);
}
