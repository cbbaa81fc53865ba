import { InputError } from '../../domain/errors.ts';
import type { FileReference } from '../content.ts';
import { imageFilePath } from '../definition/image-files.ts';
import { maskLiquid } from '../freeze/liquid-mask.ts';
import { didYouMean } from '../nearest.ts';
import { type Finding, findingOf } from './findings.ts';
import type { Markup, StartTag } from './markup.ts';
import { defaultsOf } from './mjml-defaults.ts';
import type { Report } from './report.ts';

/** Bytes of one image: on a telephone it takes seconds, and some mail programs give up. */
export const imageMaximumBytes = 1_000_000;
/** Pixels: messages are some 600 wide, and what is wider without a way to shrink breaks their layout. */
export const imageMaximumWidth = 800;

export interface TemplateImages {
  /** The template's path from the campaign file. */
  readonly file: string;
  /** Image files by their path from the campaign file. */
  readonly images: ReadonlyMap<string, FileReference>;
  /** Image files travel in the message. */
  readonly embedImages: boolean;
}

const imageElements = new Set(['img', 'mj-image', 'mj-carousel-image']);

/** Reports images that cannot be seen, that say nothing to those who do not see them, and that are too large. */
export function checkImages(markup: readonly Markup[], of: TemplateImages, report: Report): void {
  const defaults = defaultsOf(markup);
  const inLinks = emptyLinks(markup);
  for (const tag of markup) {
    if (tag.kind !== 'start' || !imageElements.has(tag.name) || defaults.isDefault(tag)) continue;
    const read = (name: string) => defaults.valueOf(tag, name);
    reportSource(tag, read('src'), of, report);
    reportAlternative(tag, read('alt'), read('href') !== undefined || inLinks.has(tag), report);
    reportWidth(tag, report);
  }
}

function reportSource(tag: StartTag, given: string | undefined, of: TemplateImages, report: Report): void {
  const index = tag.attributes.get('src')?.index ?? tag.index;
  const src = given?.trim() ?? '';
  const warn = (finding: Omit<Finding, 'where' | 'severity'>) =>
    report({ severity: 'warning', ...finding }, index);
  if (src === '') {
    const message = 'this image has no src, so nothing is shown.';
    warn({ code: 'IMAGE_SOURCE', message, hint: 'Give it an address, or remove it.' });
  } else if (/^data:/i.test(src)) {
    const message = 'this image stands in the message as data:, which Gmail and Outlook do not show.';
    warn({ code: 'IMAGE_DATA', message, hint: 'Put it on a web server, or name its file.' });
  }
  if (of.embedImages && /^https?:/i.test(src)) {
    const message = `the image ${JSON.stringify(src.slice(0, 200))} is at a web address and stays linked; only files are embedded.`;
    warn({ code: 'IMAGE_LINKED', message, hint: 'Save it beside the template and give its path.' });
  }
  const found = fileOf(src, of);
  if ('problem' in found) report(found.problem, index);
  else if (found.file !== undefined && found.file.size > imageMaximumBytes) {
    const message = `the image ${src} has ${found.file.size} bytes; more than ${imageMaximumBytes} take long to load.`;
    const hint = 'Scale it to twice the width at which it is shown, and compress it.';
    warn({ code: 'IMAGE_BYTES', message, hint });
  }
}

/** The file that an address names, where it names one. */
function fileOf(
  src: string,
  { file, images }: TemplateImages,
): { readonly file: FileReference | undefined } | { readonly problem: Omit<Finding, 'where'> } {
  try {
    const masked = maskLiquid(src);
    const path = imageFilePath(masked.text, { masked, file });
    if (path === undefined) return { file: undefined };
    const found = images.get(path);
    if (found !== undefined) return { file: found };
    const message = `the image ${JSON.stringify(src.slice(0, 200))} is a file, and the campaign was made without it.${didYouMean(path, images.keys())}`;
    const hint =
      'Give its path from the template, or a whole web address such as https://example.com/logo.png.';
    return { problem: { severity: 'error', code: 'IMAGE_FILE', message, hint } };
  } catch (error) {
    if (!(error instanceof InputError)) return { file: undefined };
    return { problem: findingOf(error) };
  }
}

/** Text in place of the image, for whoever does not see it. Empty is right for decoration, but not for a whole link. */
function reportAlternative(tag: StartTag, alt: string | undefined, isLink: boolean, report: Report): void {
  if (alt !== undefined && (alt.trim() !== '' || !isLink)) return;
  const message =
    alt === undefined
      ? `this <${tag.name}> has no alternative text (alt).`
      : `this <${tag.name}> is all there is of a link, and has an empty alternative text (alt="").`;
  const hint =
    alt === undefined
      ? 'Say in alt what the image says, for it is blocked at first and not seen by everybody; alt="" for decoration.'
      : 'Say in alt where the link leads.';
  report(
    { severity: 'warning', code: 'IMAGE_ALT', message, hint },
    tag.attributes.get('alt')?.index ?? tag.index,
  );
}

/** MJML scales its images itself. */
function reportWidth(tag: StartTag, report: Report): void {
  const width = tag.attributes.get('width');
  const style = tag.attributes.get('style')?.value ?? '';
  if (tag.name !== 'img' || width === undefined || !/^\s*\d+(?:px)?\s*$/i.test(width.value)) return;
  const pixels = Number.parseInt(width.value, 10);
  if (pixels <= imageMaximumWidth || /\bwidth\s*:\s*(?:100%|auto)|max-width\s*:/i.test(style)) return;
  const message = `this image is ${pixels} pixels wide; messages are some 600 wide, and Outlook does not scale it.`;
  const hint = 'Give it the width at which it is to be shown; its file may be larger.';
  report({ severity: 'warning', code: 'IMAGE_WIDTH', message, hint }, width.index);
}

/** The images that are everything there is in an `a`. */
function emptyLinks(markup: readonly Markup[]): ReadonlySet<StartTag> {
  const found = new Set<StartTag>();
  let open: { images: StartTag[]; named: boolean } | undefined;
  const close = () => {
    const [only] = open?.images ?? [];
    if (open !== undefined && !open.named && only !== undefined) found.add(only);
    open = undefined;
  };
  for (const one of markup) {
    if (one.kind === 'text') {
      if (open !== undefined && /\S/.test(one.text.replaceAll('&nbsp;', ' '))) open.named = true;
    } else if (one.name === 'a') {
      close();
      if (one.kind === 'start' && one.attributes.has('href')) {
        open = { images: [], named: one.attributes.has('aria-label') || one.attributes.has('title') };
      }
    } else if (open !== undefined && one.kind === 'start' && one.name === 'img') {
      open.images.push(one);
      if ((one.attributes.get('alt')?.value.trim() ?? '') !== '') open.named = true;
    }
  }
  close();
  return found;
}
