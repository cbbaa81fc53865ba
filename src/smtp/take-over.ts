import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type SMTPConnection from 'nodemailer/lib/smtp-connection';

/** A connection that is logged in, and nobody listens to it any more. */
export interface TakenOver {
  readonly socket: Duplex;
  /** What the server has said and nobody has read yet. */
  readonly unread: Buffer;
}

/** nodemailer's handlers by the events of the socket that they are for. */
const handlers = {
  _onSocketData: 'data',
  _onSocketEnd: 'end',
  _onSocketClose: 'close',
  _onSocketError: 'error',
  _onSocketTimeout: 'timeout',
} as const;

type Handler = (...given: unknown[]) => void;

/** What is used here of an SMTPConnection and is not promised by nodemailer. The version is pinned; a test looks at it. */
interface Inside extends Record<keyof typeof handlers, Handler> {
  _socket: Socket | false | null;
  /** Replies whose turn has not come; the last one may lack its end (`_responsePartial`). Latin-1, lines ended by "\n". */
  _responseQueue: string[];
  _responsePartial: boolean;
  /** The beginning of a line. */
  _remainder: string;
  /** What is to be called with the next replies. */
  _responseActions: unknown[];
}

/**
 * Takes the socket, plain or TLS, from a connection that has said all it will: after EHLO and AUTH. To be called in the
 * callback of its last command, so that nothing the server says comes in between. From here on nodemailer hears nothing,
 * has no timer and writes nothing.
 *
 * @throws Error where nodemailer is not what it was when this was written
 */
export function takeOver(connection: SMTPConnection): TakenOver {
  const inside = connection as unknown as Inside;
  const { _socket: socket } = inside;
  if (!socket) throw changed('_socket');
  for (const name of ['_responseQueue', '_responseActions'] as const) {
    if (!Array.isArray(inside[name])) throw changed(name);
  }
  if (typeof inside._remainder !== 'string') throw changed('_remainder');
  // A command without its answer: ours would be taken for it.
  if (inside._responseActions.length > 0) throw changed('_responseActions');
  for (const [name, event] of entriesOf(handlers)) {
    if (!socket.listeners(event).includes(inside[name])) throw changed(name);
    socket.removeListener(event, inside[name]);
  }
  // Two that hear the same bytes would both answer them.
  if (socket.listenerCount('data') > 0) throw changed('data');
  socket.setTimeout(0);
  const whole = inside._responseQueue.splice(0).map((reply) => `${reply}\n`);
  const unread = Buffer.from(whole.join('') + inside._remainder, 'latin1');
  inside._remainder = '';
  inside._responsePartial = false;
  return { socket, unread };
}

function entriesOf<K extends string, V>(record: Readonly<Record<K, V>>): [K, V][] {
  return Object.entries(record) as [K, V][];
}

function changed(what: string): Error {
  return new Error(
    `The connection cannot be taken over: nodemailer's SMTPConnection has changed (${what}). Install the version of package.json.`,
  );
}
