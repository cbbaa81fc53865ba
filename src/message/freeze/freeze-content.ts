import { createHash } from 'node:crypto';
import { InputError } from '../../domain/errors.ts';
import { trackingPaths } from '../../tracking/links/links.ts';
import { allBodies, type CampaignBody } from '../all-bodies.ts';
import { canonicalJson } from '../canonical-json.ts';
import { type CampaignDefinition, contentFormat, type FrozenBody, type FrozenContent } from '../content.ts';
import { didYouMean } from '../nearest.ts';
import { compileMjml } from './compile-mjml.ts';
import { ImageAddresses } from './freeze-images.ts';
import { encodeContactValues, LinkTable } from './links.ts';
import { type MaskedTemplate, maskLiquid } from './liquid-mask.ts';
import { makeTextPart, withoutLinesOfTags } from './text-part.ts';
import { trackHtmlLinks, trackTextLinks } from './track-links.ts';

/** Liquid in frozen bodies that only the message engine fills in: the recipient's signed token. */
export const tokenSlot = '{{ _exm.token }}';

export interface FreezeOptions {
  readonly campaignId: string;
  /** Public address of content-delivery, no slash at the end. */
  readonly baseUrl: string;
  /** The manager root's values. */
  readonly managerRoot?: Readonly<Record<string, string>> | undefined;
  /** EXM_UNSUBSCRIBE_ADDRESS: whose mail somebody acts on who unsubscribes by mail. */
  readonly unsubscribeAddress?: string | undefined;
}

export interface FrozenResult {
  readonly content: FrozenContent;
  /** `content` as canonical JSON: the bytes whose hash is `hash`. */
  readonly body: string;
  /** SHA-256, hexadecimal. */
  readonly hash: string;
}

/**
 * Makes the exact content to send: MJML compiled, every web link replaced by a tracked one, the open pixel added,
 * styles of HTML inlined, text parts made. Only Liquid is left to be filled in for each recipient. The same definition and options give the
 * same hash.
 *
 * @throws InputError TEMPLATE_MJML, TEMPLATE_LINK, IMAGE_FILE, FILES_TOO_LARGE or GOAL_LINK that says where.
 */
export async function freezeContent(
  definition: CampaignDefinition,
  { campaignId, baseUrl, managerRoot = {}, unsubscribeAddress }: FreezeOptions,
): Promise<FrozenResult> {
  const table = new LinkTable();
  const images = new ImageAddresses(definition, { campaignId, baseUrl });
  const bodies: FrozenBody[] = [];
  for (const one of allBodies(definition)) bodies.push(await freezeBody(one, { baseUrl, table, images }));
  const { name, from, replyTo, values, defaultLanguage, fallback, rules, facetTypes, emulation, delivery } =
    definition;
  const content: FrozenContent = {
    format: contentFormat,
    campaignId,
    name,
    from,
    ...(replyTo ? { replyTo } : {}),
    baseUrl,
    ...(unsubscribeAddress ? { unsubscribeAddress } : {}),
    values,
    ...(Object.keys(managerRoot).length > 0 ? { managerRoot } : {}),
    defaultLanguage,
    ...(fallback ? { fallback } : {}),
    bodies,
    ...(rules ? { rules } : {}),
    ...(facetTypes ? { facetTypes } : {}),
    ...filesOf(definition, images),
    links: table.links,
    goals: freezeGoals(definition, table.links),
    ...(emulation ? { emulation } : {}),
    ...(delivery ? { delivery } : {}),
  };
  const body = canonicalJson(content);
  return { content, body, hash: contentHash(body) };
}

function filesOf(
  { attachments = [] }: CampaignDefinition,
  { embedded }: ImageAddresses,
): Pick<FrozenContent, 'attachments' | 'embedded'> {
  return {
    ...(attachments.length > 0 ? { attachments } : {}),
    ...(embedded.length > 0 ? { embedded } : {}),
  };
}

/** SHA-256 of frozen content's bytes, hexadecimal. */
export function contentHash(body: string): string {
  return createHash('sha256').update(body).digest('hex');
}

interface FreezeBodyOptions {
  readonly baseUrl: string;
  readonly table: LinkTable;
  readonly images: ImageAddresses;
}

async function freezeBody(
  { variant, language, from, body }: CampaignBody,
  options: FreezeBodyOptions,
): Promise<FrozenBody> {
  const { template, text, textFile } = body;
  const masked = maskLiquid(template.source);
  const compiled =
    template.format === 'mjml' ? await compileMjml(masked, template.file) : await withInlinedCss(masked);
  const withImages = options.images.place(compiled, { masked, template });
  const html = trackHtmlLinks(withLanguage(withImages, language), trackIn(masked, template.file, options));
  return {
    variant,
    ...(from ? { from } : {}),
    language,
    subject: body.subject,
    html: masked.unmask(withPixel(html, options.baseUrl)),
    text:
      text === undefined
        ? withoutLinesOfTags(masked.unmaskLiteral(makeTextPart(html)))
        : freezeText(text, textFile ?? 'text', options),
  };
}

/** MJML inlines what its author wants inlined. */
async function withInlinedCss(masked: MaskedTemplate): Promise<string> {
  if (!/<style\b/i.test(masked.text)) return masked.text;
  // Loaded only where it is needed: it takes a while.
  const { inlineCss } = await import('./css/inline-css.ts');
  return inlineCss(masked.text, masked).html;
}

function freezeText(text: string, file: string, options: FreezeBodyOptions): string {
  const masked = maskLiquid(text);
  return masked.unmask(trackTextLinks(masked.text, trackIn(masked, file, options)));
}

function trackIn(template: MaskedTemplate, file: string, { baseUrl, table }: FreezeBodyOptions) {
  const token = template.add(tokenSlot);
  return {
    template,
    table,
    file,
    tracked: (link: number) => `${baseUrl}${trackingPaths.click(token, link)}`,
  };
}

/** MJML says `und` (undetermined) where the template names no language; screen readers need the real one. */
function withLanguage(html: string, language: string): string {
  return html.replaceAll(' lang="und"', ` lang="${language}"`);
}

/** EXM's "message opened" image, last in the body. */
function withPixel(html: string, baseUrl: string): string {
  const src = `${baseUrl}${trackingPaths.open(tokenSlot)}`.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
  const pixel = `<img src="${src}" width="1" height="1" alt="" style="display:block;width:1px;height:1px;border:0">`;
  const end = html.toLowerCase().lastIndexOf('</body>');
  return end < 0 ? html + pixel : html.slice(0, end) + pixel + html.slice(end);
}

function freezeGoals(definition: CampaignDefinition, links: readonly string[]): FrozenContent['goals'] {
  const [problem] = goalProblems(definition.goals, links);
  if (problem !== undefined) {
    throw new InputError('GOAL_LINK', problem.message, {
      field: 'goals',
      value: problem.url,
      hint: problem.hint,
    });
  }
  return definition.goals.map(({ name, url, value }) => ({
    name,
    link: links.indexOf(encodeContactValues(url)),
    value,
  }));
}

/** The goals to which none of the tracked links leads. */
export function goalProblems(goals: CampaignDefinition['goals'], links: readonly string[]) {
  return goals.flatMap(({ name, url }, index) =>
    links.includes(encodeContactValues(url))
      ? []
      : [
          {
            index,
            url,
            message: `the goal "${name}" is reached by a click on ${url}, but no link of the message leads there.${didYouMean(url, links)}`,
            hint: 'Give the goal the very address that the template has in href.',
          },
        ],
  );
}
