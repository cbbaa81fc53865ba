import { type Finding, isError, splitPlace } from '../message/check/findings.ts';
import { screenWidth } from './table.ts';
import { wrap } from './wrap.ts';

export interface FindingsStyle {
  /** Characters of a line. */
  readonly width: number;
  readonly color: boolean;
}

/** How findings are shown on a stream: in colour only where a person looks at it and NO_COLOR is not set. */
export function styleOf(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv = process.env): FindingsStyle {
  const color = stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  return { width: screenWidth(stream), color };
}

const codes = { bold: '1', dim: '2', red: '31', yellow: '33' } as const;
const labels = { error: 'error', warning: 'warning' } as const;
const labelWidth = 'warning'.length;

/** Findings by file, each with line, column and what to do. What to do is said once where it is the same. */
export function showFindings(findings: readonly Finding[], { width, color }: FindingsStyle): string {
  const paint = (text: string, style: keyof typeof codes) =>
    color ? `\u001b[${codes[style]}m${text}\u001b[0m` : text;
  const places = findings.map((finding) => ({ finding, ...splitPlace(finding.where) }));
  const position = ({ line, column }: { line: number; column: number }) =>
    line === 0 ? '' : `${line}:${column}`;
  const positionWidth = Math.max(0, ...places.map((place) => position(place).length));
  const indent = 2 + positionWidth + 2 + labelWidth + 2;
  const told = new Set<string>();
  const lines: string[] = [];
  for (const [index, place] of places.entries()) {
    const { severity, message, hint, code } = place.finding;
    if (place.file !== places[index - 1]?.file) {
      if (index > 0) lines.push('');
      lines.push(paint(place.file, 'bold'));
    }
    const start = `  ${position(place).padStart(positionWidth)}  `;
    const label = paint(labels[severity].padEnd(labelWidth), severity === 'error' ? 'red' : 'yellow');
    lines.push(`${start}${label}  ${wrap(`${message} (${code})`, indent, width).trimStart()}`);
    if (hint === undefined || told.has(hint)) continue;
    told.add(hint);
    lines.push(
      wrap(hint, indent, width)
        .split('\n')
        .map((line) => line.slice(0, indent) + paint(line.slice(indent), 'dim'))
        .join('\n'),
    );
  }
  return lines.join('\n');
}

/** `2 errors, 3 warnings` */
export function countFindings(findings: readonly Finding[]): string {
  const errors = findings.filter(isError).length;
  const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`;
  return `${count(errors, 'error')}, ${count(findings.length - errors, 'warning')}`;
}
