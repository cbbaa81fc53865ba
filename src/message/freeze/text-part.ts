import { compile } from 'html-to-text';

/** Columns of a text part (RFC 3676 section 4.2 advises 78 at most). */
const textColumns = 78;

const toText = compile({
  wordwrap: textColumns,
  baseElements: { selectors: ['body'], returnDomByDefault: true },
  // A newsletter is large; what is cut off here would be missing from the text.
  limits: { maxInputLength: 1 << 24 },
  selectors: [
    { selector: 'img', format: 'skip' },
    { selector: '[style*="display:none"]', format: 'skip' },
    { selector: '[style*="display: none"]', format: 'skip' },
    { selector: '[aria-hidden="true"]', format: 'skip' },
    { selector: 'a', options: { linkBrackets: ['<', '>'], hideLinkHrefIfSameAsText: true } },
    // Messages are laid out by tables: a cell is a paragraph.
    { selector: 'td', format: 'block', options: { leadingLineBreaks: 2, trailingLineBreaks: 2 } },
    // Upper case would change the words that stand for Liquid.
    ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({
      selector,
      options: { uppercase: false, leadingLineBreaks: 2, trailingLineBreaks: 2 },
    })),
  ],
});

/** The text part of masked HTML: what a person would read, with the address of each link after its words. */
export function makeTextPart(html: string): string {
  return `${toText(html)
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim()}\n`;
}

const tag = /\{%(?:[^%]|%(?!\}))*%\}/g;
/** A line of nothing but Liquid tags, with the blank lines after it. Outputs and escaped braces are no tags. */
const linesOfTags = new RegExp(`^[ \\t]*(?:${tag.source}[ \\t]*)+\\n+`, 'gm');

/**
 * Liquid tags that stand in lines of their own print nothing: nor do their lines, nor the blank ones after them where
 * there is one before.
 */
export function withoutLinesOfTags(text: string): string {
  return text.replace(linesOfTags, (lines, offset: number) => {
    const isAfterBlank = offset === 0 || text.slice(0, offset).endsWith('\n\n');
    const isBeforeBlank = lines.endsWith('\n\n');
    return (lines.match(tag)?.join('') ?? '') + (isBeforeBlank && !isAfterBlank ? '\n' : '');
  });
}
