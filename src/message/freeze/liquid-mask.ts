import { Tokenizer, TokenKind } from 'liquidjs';

/**
 * A template whose Liquid tags are replaced by words that every HTML tool leaves alone: letters and digits only, so
 * that they survive as text, as (part of) an attribute's value, as an attribute's name and in CSS.
 */
export interface MaskedTemplate {
  readonly text: string;
  /** Puts the Liquid back into anything made from `text`. */
  unmask(text: string): string;
  /** As `unmask`, for text that was no template before: whatever would only look like Liquid stays literal. */
  unmaskLiteral(text: string): string;
  /** A word for a further piece of Liquid. */
  add(liquid: string): string;
  /** Matches every word, with its number as the only group. */
  readonly pattern: RegExp;
  /** Where in the template something at this index of `text` is; both from 1. */
  placeOf(index: number): { readonly line: number; readonly column: number };
}

export interface LiquidPiece {
  readonly begin: number;
  readonly end: number;
  readonly liquid: string;
}

/**
 * Masks a template. Raw blocks become one word; comments are left out.
 * @throws liquidjs' TokenizationError where a tag is not closed.
 */
export function maskLiquid(template: string): MaskedTemplate {
  const liquids: string[] = [];
  const prefix = unusedWord(template);
  const pattern = new RegExp(`${prefix}x(\\d+)x`, 'g');
  const add = (liquid: string) => `${prefix}x${liquids.push(liquid) - 1}x`;

  let text = '';
  let copied = 0;
  const ends: { masked: number; original: number }[] = [{ masked: 0, original: 0 }];
  for (const { begin, end, liquid } of liquidPieces(template)) {
    text += template.slice(copied, begin) + (liquid === '' ? '' : add(liquid));
    copied = end;
    ends.push({ masked: text.length, original: end });
  }
  text += template.slice(copied);

  const unmask = (from: string) =>
    from.replace(pattern, (_, number: string) => liquids[Number(number)] ?? '');
  return {
    text,
    add,
    pattern,
    unmask,
    unmaskLiteral: (from) => unmask(escapeLiquid(from)),
    placeOf(index) {
      const before = ends.findLast(({ masked }) => masked <= index) ?? { masked: 0, original: 0 };
      const lines = template.slice(0, before.original + index - before.masked).split('\n');
      return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
    },
  };
}

/** The text as Liquid that prints it: opening delimiters become outputs of themselves. */
export function escapeLiquid(text: string): string {
  return text.replace(/\{(?=[{%])/g, "{{ '{' }}");
}

/**
 * Tags and outputs in order, with whole raw blocks as one piece and comments as pieces without Liquid.
 * @throws liquidjs' TokenizationError where a tag is not closed.
 */
export function* liquidPieces(template: string): Generator<LiquidPiece> {
  const tokens = new Tokenizer(template).readTopLevelTokens();
  let block: { end: 'endraw' | 'endcomment'; begin: number } | undefined;
  for (const token of tokens) {
    const tag = token.kind === TokenKind.Tag ? (token as { name?: string }).name : undefined;
    if (block !== undefined) {
      if (tag !== block.end) continue;
      const liquid = block.end === 'endraw' ? template.slice(block.begin, token.end) : '';
      yield { begin: block.begin, end: token.end, liquid };
      block = undefined;
    } else if (tag === 'raw' || tag === 'comment') {
      block = { end: tag === 'raw' ? 'endraw' : 'endcomment', begin: token.begin };
    } else if (tag === '#') {
      yield { begin: token.begin, end: token.end, liquid: '' };
    } else if (token.kind !== TokenKind.HTML) {
      yield { begin: token.begin, end: token.end, liquid: template.slice(token.begin, token.end) };
    }
  }
}

/** A short word that the template does not contain. The same template gives the same word. */
function unusedWord(template: string): string {
  const lower = template.toLowerCase();
  for (let number = 0; ; number++) {
    const word = `lq${number.toString(36)}`;
    if (!lower.includes(word)) return word;
  }
}
