import { printable } from './printable.ts';
import { wrap } from './wrap.ts';

/** `label  value`, one below the other; what has no value is left out. Values are made fit for a terminal and wrapped. */
export function factLines(
  facts: readonly (readonly [label: string, value: string | null | undefined])[],
  textMaximum?: number,
): string {
  const shown = facts.flatMap(([label, value]) => (value ? [[label, value] as const] : []));
  const indent = Math.max(...shown.map(([label]) => label.length)) + 2;
  return shown
    .map(([label, value]) => label.padEnd(indent) + wrap(printable(value, textMaximum), indent).slice(indent))
    .join('\n');
}
