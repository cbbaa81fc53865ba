import { z } from 'zod';
import { attachmentsMaximum, problemOfFileName } from './campaign-files.ts';

const path = z
  .string('must be the path of a file')
  .refine((text) => text.trim() !== '' && !/\p{Cc}/u.test(text), 'must be the path of a file')
  .refine((text) => text.length <= 1_000, 'must have at most 1000 characters');

const name = z.string('must be a file name').superRefine((text, context) => {
  const wrong = problemOfFileName(text);
  if (wrong !== undefined) context.addIssue(wrong);
});

const attachment = z.union(
  [path, z.strictObject({ file: path, name: name.optional() })],
  'must be a path, or {file: prices.pdf, name: "Prices 2026.pdf"}',
);

/** The keys `attachments` and `embedImages` of a campaign file. */
export const filesSchema = {
  attachments: z
    .array(attachment, 'must be a list of files such as [prices.pdf]')
    .max(attachmentsMaximum, `must have at most ${attachmentsMaximum} files`)
    .default([]),
  embedImages: z.boolean('must be true or false').optional(),
};

export type AttachmentKey = z.output<typeof attachment>;
