/** Times as people write them. */

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of `90s`, `30m`, `4h` or `2d`; undefined where the text is no such length of time. */
export function durationMs(text: string): number | undefined {
  const [, number, unit] = /^\s*(\d{1,9}(?:\.\d{1,3})?)\s*([smhd])\s*$/.exec(text) ?? [];
  if (number === undefined || unit === undefined) return undefined;
  return Math.round(Number(number) * unitMs[unit as keyof typeof unitMs]);
}

/**
 * Milliseconds since 1970 of `2026-11-22T14:00Z` or `2026-11-22 15:00:00+01:00` (ISO 8601). Undefined where the text is
 * nothing of the kind, or has no zone: a time that may mean another hour to the next person is none.
 */
export function instantMs(text: string): number | undefined {
  const parts = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?) ?(Z|[+-]\d\d:?\d\d)$/i.exec(
    text.trim(),
  );
  if (parts === null) return undefined;
  const [, date, time, zone = ''] = parts;
  const ms = Date.parse(`${date}T${time}${zone.toUpperCase().replace(/^(.\d\d)(\d\d)$/, '$1:$2')}`);
  return Number.isNaN(ms) ? undefined : ms;
}
