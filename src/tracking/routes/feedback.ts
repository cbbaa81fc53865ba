import { createHmac, timingSafeEqual } from 'node:crypto';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { messageOf } from '../../domain/error-message.ts';
import { isReport, whyNoReport } from '../../feedback/reading/posted-report.ts';
import { messageMaximum, storeFeedback } from '../../feedback/receiving/store-feedback.ts';
import type { Delivery } from '../delivery.ts';

/** A request is valid for so long around its time, by our clock. Seconds. */
const windowSeconds = 300;

/**
 * POST /feedback: what came back, brought by another program: a message as it is (message/rfc822) or an event that the program
 * has understood (application/json). Signed by the InternalApiKey over its time and body, so that nobody else brings any, nor
 * brings an old one again later; within the time one is stored once.
 */
export function feedbackRoute(server: FastifyInstance, { db, keys, log }: Delivery): void {
  server.post<{ Body: Buffer | undefined }>(
    '/feedback',
    {
      bodyLimit: messageMaximum,
      errorHandler: (error, _request, reply) => answerError(log, error, reply),
      // Before the body is read.
      onRequest: async (request, reply) => {
        if (signatureOf(request) === undefined) return await refuse(reply, 401, notSigned);
      },
    },
    async (request, reply) => {
      const { body } = request;
      const signature = signatureOf(request);
      if (signature === undefined || body === undefined || !isSigned(body, signature, keys.internalApi)) {
        return await refuse(reply, 401, notSigned);
      }
      const problem = whatIsWrong(request.headers['content-type'] ?? '', body);
      if (problem !== undefined) return await refuse(reply, problem.status, problem.why);
      try {
        // Who unsubscribes, comes back and unsubscribes again is reported by the same words twice, and means it twice.
        const reportedAt = isReport(body) ? signature.timestamp : undefined;
        const message = {
          source: 'webhook',
          envelopeFrom: '',
          envelopeTo: '',
          raw: body,
          reportedAt,
        } as const;
        const stored = await storeFeedback(db, message);
        return await reply.code(stored ? 202 : 200).send({ status: stored ? 'stored' : 'known' });
      } catch (error) {
        log.warn({ err: messageOf(error) }, 'a message that came back could not be stored');
        return await refuse(reply.header('retry-after', '10'), 503, 'it cannot be stored now');
      }
    },
  );
}

const notSigned = `X-Exm-Timestamp must be the time now, and X-Exm-Signature "sha256=" and the HMAC-SHA256 of timestamp, "." and body`;

interface Signature {
  readonly timestamp: string;
  readonly digest: Buffer;
}

/** Undefined where there is none, or its time is over or has not come. */
function signatureOf({ headers }: FastifyRequest): Signature | undefined {
  const timestamp = String(headers['x-exm-timestamp'] ?? '');
  const [, hex] = /^sha256=([0-9a-f]{64})$/i.exec(String(headers['x-exm-signature'] ?? '')) ?? [];
  if (hex === undefined || !/^\d{1,12}$/.test(timestamp)) return undefined;
  if (Math.abs(Date.now() / 1_000 - Number(timestamp)) > windowSeconds) return undefined;
  return { timestamp, digest: Buffer.from(hex, 'hex') };
}

function isSigned(body: Buffer, { timestamp, digest }: Signature, key: Buffer): boolean {
  return timingSafeEqual(createHmac('sha256', key).update(`${timestamp}.`).update(body).digest(), digest);
}

function whatIsWrong(type: string, body: Buffer): { status: number; why: string } | undefined {
  const [media = ''] = type.toLowerCase().split(';');
  switch (media.trim()) {
    case 'message/rfc822':
      return body.length === 0 || isReport(body) ? { status: 400, why: 'this is no message' } : undefined;
    case 'application/json': {
      const why = isReport(body) ? whyNoReport(body) : 'it is no JSON object';
      return why === undefined ? undefined : { status: 400, why };
    }
    default:
      return { status: 415, why: 'Content-Type must be message/rfc822 or application/json' };
  }
}

/** As this route answers all else: for a program, not for a person. */
function answerError(log: Delivery['log'], error: FastifyError, reply: FastifyReply): FastifyReply {
  const { statusCode = 500 } = error;
  if (statusCode === 413) return refuse(reply, 413, `a message has ${messageMaximum} bytes at the most`);
  if (statusCode >= 400 && statusCode < 500) return refuse(reply, statusCode, error.message);
  log.error({ err: messageOf(error), code: error.code }, 'a message that came back was not read');
  return refuse(reply.header('retry-after', '10'), 503, 'it cannot be stored now');
}

function refuse(reply: FastifyReply, status: number, why: string): FastifyReply {
  return reply.code(status).send({ error: why });
}
