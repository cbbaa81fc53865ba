import { screenWidth } from './table.ts';

/** Breaks a text between words so that it fits the terminal, each line after so many spaces. Elsewhere nothing is broken. */
export function wrap(text: string, indent = 0, width = screenWidth()): string {
  const margin = ' '.repeat(indent);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > width) {
      lines.push(margin + line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, margin + line].join('\n');
}
