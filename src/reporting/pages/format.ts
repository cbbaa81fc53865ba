/** Numbers and times as the pages show them: English digits, UTC. */
export function count(value: number): string {
  return value.toLocaleString('en');
}

/** `part` of `whole` in per cent; a dash where there is no whole. */
export function percent(part: number, whole: number): string {
  if (whole === 0) return '–';
  const value = (100 * part) / whole;
  const rounded = value !== 0 && value < 10 ? value.toFixed(1) : value.toFixed(0);
  // Nearly all is not all, and nearly nothing is not nothing.
  if (part < whole && Number(rounded) === 100) return '> 99 %';
  return part > 0 && Number(rounded) === 0 ? '< 0.1 %' : `${rounded} %`;
}

export function instant(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}`;
}

/** A length of time in its two largest units: `2 h 5 min`. */
export function duration(seconds: number): string {
  const units = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
    [1, 's'],
  ] as const;
  let rest = Math.max(0, Math.round(seconds));
  const parts: string[] = [];
  for (const [size, unit] of units) {
    const whole = Math.floor(rest / size);
    rest -= whole * size;
    if (whole > 0 || (parts.length === 0 && unit === 's')) parts.push(`${whole} ${unit}`);
    if (parts.length === 2) break;
  }
  return parts.join(' ');
}

/** A name as words: `EmailOpened` is `email opened`, `global-opt-out` is `global opt out`. Sentences stay as they are. */
export function words(name: string): string {
  if (!/^[\w-]+$/.test(name)) return name;
  return name
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replace(/[-_]/g, ' ')
    .toLowerCase();
}
