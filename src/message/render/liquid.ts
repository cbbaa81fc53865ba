import { Liquid, LiquidError } from 'liquidjs';
import { registerComponents } from './components.ts';

/** What one rendering may take: time on the clock, and characters or items made by filters, loops and captures. */
const renderLimitMs = 1_000;
const memoryLimit = 10_000_000;
/** Characters of one template. MJML grows to about ten times its size when compiled. */
const parseLimit = 10_000_000;

/** Tags that read other templates; a campaign's content is one frozen text. */
const tagsThatReadFiles = ['include', 'render', 'layout', 'block'];

export interface LiquidOptions {
  /** `html` escapes every output; `plain` leaves it (subject, text part, links). */
  readonly output: 'html' | 'plain';
  /** Language of month and day names. */
  readonly language?: string;
}

/**
 * A Liquid engine for campaign content: no file access, own properties only, unknown filters are errors, what a
 * contact lacks is empty, and bounded in time and memory. Dates are in UTC.
 */
export function createLiquid({ output, language }: LiquidOptions): Liquid {
  const liquid = new Liquid({
    ...(output === 'html' ? { outputEscape: 'escape' as const } : {}),
    templates: {},
    ownPropertyOnly: true,
    strictFilters: true,
    strictVariables: false,
    timezoneOffset: 0,
    locale: language ?? 'en',
    parseLimit,
    renderLimit: renderLimitMs,
    memoryLimit,
  });
  for (const tag of tagsThatReadFiles) delete liquid.tags[tag];
  registerComponents(liquid);
  liquid.registerFilter('url_component', (value: unknown) =>
    encodeURIComponent(String(value ?? '').toWellFormed()),
  );
  return liquid;
}

/** What templates see as an object without a value of its own prints as nothing. */
const scopePrototype: object = Object.freeze(
  Object.assign(Object.create(null), {
    // Not `toString`: a facet may have that name.
    [Symbol.toPrimitive]() {
      return '';
    },
  }),
);

/** An object for a template's scope: inherits nothing a template could reach, whatever its keys are. */
export function scopeObject(entries: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.create(scopePrototype, Object.getOwnPropertyDescriptors(entries)) as Record<string, unknown>;
}

/** Where a Liquid error is in its template, from 1; undefined for other errors. */
export function liquidPosition(error: unknown): { line: number; column: number } | undefined {
  if (!LiquidError.is(error)) return undefined;
  const match = /, line:(\d+), col:(\d+)$/.exec(error.message);
  return match ? { line: Number(match[1]), column: Number(match[2]) } : undefined;
}

/** A Liquid error's own words, without the place. */
export function liquidReason(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/, line:\d+, col:\d+$/, '');
}
