import type { EnvelopeStep } from './envelope.ts';
import type { OutgoingMessage } from './mail-session.ts';
import { classifyRefusal, isAgreed, isInvitation, isRefusal, readable, type SmtpResult } from './reply.ts';
import type { Reply } from './reply-reader.ts';

/**
 * Where a message is: a command, or its content, waits for an answer; `ready`: the server waits for the content; `decided`:
 * what became of it is known. After a refusal the server may be told to forget it: `forgetting`, `forgotten`.
 */
export type Stage = EnvelopeStep | 'ready' | 'content' | 'decided' | 'forgetting' | 'forgotten';

const following = { RSET: 'MAIL', MAIL: 'RCPT', RCPT: 'DATA' } as const;

/** One message and the server's answers to it (RFC 5321 section 3.3). */
export class Transaction {
  /** Set once. A first refusal: those after it only follow from it. */
  outcome: SmtpResult | undefined;
  /** Undefined as long as the message is only announced. */
  settle: ((result: SmtpResult) => void) | undefined;
  /** What will most likely be sent after it. */
  next: OutgoingMessage | undefined;

  /** @param isPipelined whether its commands went out together: each of them is answered, whatever the others' answers are */
  constructor(
    readonly message: OutgoingMessage,
    public stage: Stage,
    private readonly isPipelined: boolean,
  ) {}

  /** @returns whether that was an answer to what was said; where it was none, the two sides have lost each other */
  take(reply: Reply): boolean {
    switch (this.stage) {
      case 'MAIL':
      case 'RCPT':
        return this.takeStep(this.stage, reply);
      case 'DATA':
        return this.takeInvitation(reply);
      case 'content':
        return this.takeAnswer(reply);
      case 'ready':
        // A "no" to the content before it came is one all the same.
        if (isRefusal(reply)) this.outcome = classifyRefusal(reply, 'content');
        return false;
      case 'RSET':
        this.stage = following.RSET;
        return isAgreed(reply);
      case 'forgetting':
        this.stage = 'forgotten';
        return isAgreed(reply);
      case 'decided':
      case 'forgotten':
        return false;
    }
  }

  private takeStep(step: 'MAIL' | 'RCPT', reply: Reply): boolean {
    const isRefused = isRefusal(reply);
    if (isRefused) this.outcome ??= classifyRefusal(reply, step);
    this.stage = isRefused && !this.isPipelined ? 'decided' : following[step];
    return isRefused || isAgreed(reply);
  }

  private takeInvitation(reply: Reply): boolean {
    if (isRefusal(reply)) {
      this.outcome ??= classifyRefusal(reply, 'DATA');
      this.stage = 'decided';
      return true;
    }
    // Else it waits for the content of a message that it has refused (RFC 2920 section 3.1), which must not come.
    if (this.outcome !== undefined) return false;
    this.stage = 'ready';
    // Servers are heard that say 250; where several replies are under way it could be that to another command.
    return isInvitation(reply) || (isAgreed(reply) && !this.isPipelined);
  }

  private takeAnswer(reply: Reply): boolean {
    if (isAgreed(reply)) this.outcome = { kind: 'accepted', reply: readable(reply.text) };
    else if (isRefusal(reply)) this.outcome = classifyRefusal(reply, 'content');
    else return false;
    this.stage = 'decided';
    return true;
  }
}
