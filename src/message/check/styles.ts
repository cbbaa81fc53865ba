import type { BodyDefinition } from '../content.ts';
import { maskLiquid } from '../freeze/liquid-mask.ts';
import type { Finding } from './findings.ts';

/** Reports styles of HTML that are too many to be inlined. @throws liquidjs' TokenizationError */
export async function checkStyles({ format, file, source }: BodyDefinition['template']): Promise<Finding[]> {
  if (format !== 'html' || !/<style\b/i.test(source)) return [];
  const { inlineCss } = await import('../freeze/css/inline-css.ts');
  const masked = maskLiquid(source);
  if (!inlineCss(masked.text, masked).isTooMuch) return [];
  return [
    {
      severity: 'warning',
      code: 'CSS_TOO_LARGE',
      where: `${file}:1:1`,
      message:
        'the styles are too many to be inlined; mail programs that know no style elements show none of them.',
      hint: 'Leave out the rules that the message does not use: Gmail takes note of 16,384 characters.',
    },
  ];
}
