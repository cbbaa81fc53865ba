import { posix } from 'node:path';
import { InputError } from '../../domain/errors.ts';
import { imagePath } from '../../tracking/links/links.ts';
import type {
  BodyDefinition,
  CampaignDefinition,
  EmbeddedImage,
  FileReference,
  FrozenContent,
} from '../content.ts';
import { imageProblem, requireRoom } from '../definition/campaign-files.ts';
import { imageExtension } from '../definition/file-types.ts';
import { imageFilePath, imageFilesOf } from '../definition/image-files.ts';
import { domainOf } from '../mailbox.ts';
import { replaceImages } from './image-references.ts';
import type { MaskedTemplate } from './liquid-mask.ts';

type ImagesOfCampaign = Pick<CampaignDefinition, 'from' | 'images' | 'embedImages' | 'attachments'>;

interface TemplateToFreeze {
  readonly masked: MaskedTemplate;
  readonly template: BodyDefinition['template'];
}

/** Gives the image files of a campaign their addresses in the bodies that are frozen, and notes which are embedded. */
export class ImageAddresses {
  readonly #campaign: ImagesOfCampaign;
  readonly #options: { readonly campaignId: string; readonly baseUrl: string };
  readonly #files: ReadonlyMap<string, FileReference>;
  readonly #embedded = new Map<string, EmbeddedImage>();

  constructor(
    campaign: ImagesOfCampaign,
    options: { readonly campaignId: string; readonly baseUrl: string },
  ) {
    this.#campaign = campaign;
    this.#options = options;
    const images = Object.entries(campaign.images ?? {});
    this.#files = new Map(images.map(([path, file]) => [posix.normalize(path), file]));
  }

  /**
   * Masked HTML with the address of each image in place of its path.
   * @throws InputError IMAGE_FILE where a file is not the campaign's, or FILES_TOO_LARGE where one message cannot carry all.
   */
  place(html: string, { masked, template }: TemplateToFreeze): string {
    for (const { path, written, where } of imageFilesOf(template, masked)) this.#fileOf(path, written, where);
    const inThisBody = new Map<string, FileReference>();
    const placed = replaceImages(html, ({ address }) => {
      const path = imageFilePath(address, { masked, file: template.file });
      if (path === undefined) return undefined;
      const file = this.#fileOf(path, address, template.file);
      inThisBody.set(file.hash, file);
      return this.#campaign.embedImages === true ? `cid:${this.#embed(file)}` : this.#linkTo(file);
    });
    if (this.#campaign.embedImages === true)
      requireRoom([...(this.#campaign.attachments ?? []), ...inThisBody.values()], template.file);
    return placed;
  }

  /** Every embedded image once, in the order of the bodies. */
  get embedded(): readonly EmbeddedImage[] {
    return [...this.#embedded.values()];
  }

  #fileOf(path: string, written: string, where: string): FileReference {
    const file = this.#files.get(path);
    if (file === undefined) {
      const text = `${where}: the image ${JSON.stringify(written)} is a file, and the campaign was made without it.`;
      throw new InputError('IMAGE_FILE', text, {
        field: where,
        value: written,
        hint: 'A program gives it in the images of the definition, under this path, or names a whole web address.',
      });
    }
    if (imageExtension(file.type) === undefined) throw imageProblem(where, written, file.type);
    return file;
  }

  #linkTo(file: FileReference): string {
    return linkToImage(file, this.#options.baseUrl);
  }

  /** RFC 2392: of the world's only, so that no mail program takes the image of another message for it. */
  #embed(file: FileReference): string {
    const cid = `${file.hash.slice(0, 24)}.${this.#options.campaignId}@${domainOf(this.#campaign.from.address)}`;
    if (!this.#embedded.has(file.hash)) this.#embedded.set(file.hash, { ...file, cid });
    return cid;
  }
}

/** The address under which content-delivery serves an image. */
export function linkToImage({ hash, type }: FileReference, baseUrl: string): string {
  return baseUrl + imagePath(hash, imageExtension(type) ?? 'png');
}

/** The content as a browser shows it, which knows no embedded images: they are linked. */
export function withLinkedImages(content: FrozenContent): FrozenContent {
  const { embedded = [], baseUrl } = content;
  if (embedded.length === 0) return content;
  const linked = (html: string) =>
    embedded.reduce((text, image) => text.replaceAll(`cid:${image.cid}`, linkToImage(image, baseUrl)), html);
  return { ...content, bodies: content.bodies.map((body) => ({ ...body, html: linked(body.html) })) };
}
