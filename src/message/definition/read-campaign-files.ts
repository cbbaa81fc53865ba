import { dirname, isAbsolute, join } from 'node:path';
import { InputError } from '../../domain/errors.ts';
import { allBodies } from '../all-bodies.ts';
import type { CampaignDefinition, FileReference } from '../content.ts';
import { dotted, type Locate } from '../locate.ts';
import {
  fileReference,
  imageProblem,
  imagesMaximum,
  messageFilesMaximumBytes,
  requireRoom,
} from './campaign-files.ts';
import { imageTypeOf } from './file-types.ts';
import type { AttachmentKey } from './files-schema.ts';
import { imageFilesOf, type NamedImage } from './image-files.ts';
import { readFileBytes } from './template-source.ts';

/** Bytes of all images of a campaign. They are linked in most, so that no message carries them. */
const allImagesMaximumBytes = 67_108_864;

export interface ReadCampaignFiles {
  /** What the definition says of them. */
  readonly attachments: readonly FileReference[];
  readonly images: Readonly<Record<string, FileReference>>;
  /** Their bytes. */
  readonly files: readonly Buffer[];
}

export interface CampaignFilesToRead {
  readonly campaignFile: string;
  readonly attachments: readonly AttachmentKey[];
  readonly bodies: Pick<CampaignDefinition, 'bodies' | 'test'>;
  readonly locate: Locate;
  /** Told of a file that cannot be read or used; the others are read all the same. Left out: it is thrown. */
  readonly onProblem?: ((problem: InputError) => void) | undefined;
}

/**
 * Reads the files that a campaign file attaches, and the images that its templates name.
 * @throws InputError ATTACHMENT_FILE, IMAGE_FILE or FILES_TOO_LARGE that says where the file is named.
 */
export async function readCampaignFiles(toRead: CampaignFilesToRead): Promise<ReadCampaignFiles> {
  const attachments = await readAttachments(toRead);
  const images = await readImages(toRead);
  return {
    attachments: attachments.map(({ reference }) => reference),
    images: Object.fromEntries(images.map(({ path, reference }) => [path, reference])),
    files: [...attachments, ...images].map(({ bytes }) => bytes),
  };
}

interface ReadFile {
  readonly reference: FileReference;
  readonly bytes: Buffer;
}

async function readAttachments({
  campaignFile,
  attachments,
  locate,
  onProblem,
}: CampaignFilesToRead): Promise<ReadFile[]> {
  const read: ReadFile[] = [];
  for (const [index, key] of attachments.entries()) {
    const { file, name = file } = typeof key === 'string' ? { file: key } : key;
    const path = ['attachments', index];
    await orTell(onProblem, async () => {
      const bytes = await readFileBytes(from(campaignFile, file), {
        code: 'ATTACHMENT_FILE',
        shownAs: file,
        where: `${locate(path)}: ${dotted(path)}`,
        maximumBytes: messageFilesMaximumBytes,
      });
      read.push({ reference: fileReference(name, bytes), bytes });
      requireRoom(
        read.map(({ reference }) => reference),
        locate(['attachments']),
      );
    });
  }
  return read;
}

async function readImages({
  campaignFile,
  bodies,
  onProblem,
}: CampaignFilesToRead): Promise<(ReadFile & { path: string })[]> {
  const named = new Map<string, NamedImage>();
  for (const { body } of allBodies(bodies)) {
    for (const image of imageFilesIn(body.template)) if (!named.has(image.path)) named.set(image.path, image);
  }
  const read: (ReadFile & { path: string })[] = [];
  let total = 0;
  for (const { path, written, where } of named.values()) {
    await orTell(onProblem, async () => {
      const bytes = await readFileBytes(from(campaignFile, path), {
        code: 'IMAGE_FILE',
        shownAs: written,
        where,
        hint: 'The path of an image is relative to the template that names it.',
        maximumBytes: messageFilesMaximumBytes,
      });
      if (imageTypeOf(bytes) === undefined)
        throw imageProblem(where, written, fileReference(path, bytes).type);
      total += bytes.length;
      if (total > allImagesMaximumBytes || read.length === imagesMaximum) throw tooMany(where, written);
      read.push({ path, reference: fileReference(path, bytes), bytes });
    });
  }
  return read;
}

async function orTell(onProblem: CampaignFilesToRead['onProblem'], read: () => Promise<void>): Promise<void> {
  try {
    await read();
  } catch (error) {
    if (onProblem === undefined || !(error instanceof InputError)) throw error;
    onProblem(error);
  }
}

/** A template whose Liquid is wrong names none; it is refused, with the place, when all bodies are checked. */
function imageFilesIn(template: Parameters<typeof imageFilesOf>[0]): readonly NamedImage[] {
  try {
    return imageFilesOf(template);
  } catch (error) {
    if (error instanceof InputError) throw error;
    return [];
  }
}

function tooMany(where: string, written: string): InputError {
  return new InputError(
    'FILES_TOO_LARGE',
    `${where}: with the image ${JSON.stringify(written)} the campaign has more than ${imagesMaximum} images, or more than ` +
      `${allImagesMaximumBytes} bytes of them.`,
    { field: where, value: written, hint: 'Make them smaller, or put them on a web server.' },
  );
}

function from(campaignFile: string, path: string): string {
  return isAbsolute(path) ? path : join(dirname(campaignFile), path);
}
