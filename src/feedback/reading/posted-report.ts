import { z } from 'zod';
import { classifyBounce } from './classify-bounce.ts';
import type { Notification } from './notification.ts';

const line = (maximum: number) =>
  z
    .string()
    .max(maximum)
    .refine((text) => !/\p{Cc}/u.test(text), 'must be one line');

/** What may be posted instead of a message: an event that another program has understood. */
const reportSchema = z
  .strictObject({
    type: z.enum(['bounce', 'complaint', 'unsubscribe']),
    /** RFC 3463 */
    status: z
      .string()
      .regex(/^[245]\.\d{1,3}\.\d{1,3}$/, 'must be a code such as 5.1.1')
      .optional(),
    text: line(2_000).optional(),
    messageId: line(500).optional(),
    returnPath: line(320).optional(),
  })
  .refine(
    ({ messageId, returnPath }) => messageId !== undefined || returnPath !== undefined,
    'needs "messageId" or "returnPath"',
  );

export interface PostedReport {
  readonly notification: Notification | 'unsubscribe';
  readonly messageId: string | undefined;
  readonly returnPath: string | undefined;
}

/** Whether what was posted is one, and not a message. */
export function isReport(raw: Uint8Array): boolean {
  return raw[0] === '{'.charCodeAt(0);
}

/** What is wrong with a report; undefined where nothing is. */
export function whyNoReport(raw: Uint8Array): string | undefined {
  const parsed = reportSchema.safeParse(parseJson(raw));
  if (parsed.success) return undefined;
  const [issue] = parsed.error.issues;
  return `${issue?.path.join('.') || 'the report'}: ${issue?.message ?? 'is wrong'}`;
}

/** Undefined where it is none. */
export function readReport(raw: Uint8Array): PostedReport | undefined {
  const parsed = reportSchema.safeParse(parseJson(raw));
  if (!parsed.success) return undefined;
  const { type, status, text = '', messageId, returnPath } = parsed.data;
  const notification = {
    bounce: () => ({
      kind: 'bounce' as const,
      ...classifyBounce({ ...(status === undefined ? {} : { status }), text }),
      text,
      messageId,
    }),
    complaint: () => ({ kind: 'complaint' as const, text, messageId }),
    unsubscribe: () => 'unsubscribe' as const,
  }[type]();
  return { notification, messageId, returnPath };
}

function parseJson(raw: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(raw).toString('utf8'));
  } catch {
    return undefined;
  }
}
