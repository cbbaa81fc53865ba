import { execFileSync, spawnSync } from 'node:child_process';

/** What Python's email package, with its strict policy, reads in a message. */
export interface PythonMail {
  /** Everything that it finds wrong: in the structure, in a part, in a header. */
  readonly defects: readonly string[];
  /** Decoded, in order. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly from: readonly (readonly [name: string, address: string])[];
  readonly to: readonly (readonly [name: string, address: string])[];
  readonly replyTo: readonly (readonly [name: string, address: string])[];
  readonly parts: readonly PythonPart[];
}

export interface PythonPart {
  readonly type: string;
  readonly fileName: string | null;
  readonly disposition: string | null;
  readonly contentId: string | null;
  /** Base64 of the content's bytes. */
  readonly content: string;
}

const script = `
import base64, json, sys
from email import message_from_bytes, policy

def mailboxes(message, name):
    return [[a.display_name, a.addr_spec] for h in message.get_all(name, []) for a in h.addresses]

def read(raw):
    message = message_from_bytes(raw, policy=policy.default)
    defects, parts = [], []
    for part in message.walk():
        for name, value in part.items():
            defects += [name + ': ' + repr(d) for d in value.defects]
        if not part.is_multipart():
            parts.append({'type': part.get_content_type(), 'fileName': part.get_filename(),
                          'disposition': part.get_content_disposition(), 'contentId': part.get('content-id'),
                          'content': base64.b64encode(part.get_payload(decode=True)).decode()})
        defects += [part.get_content_type() + ': ' + repr(d) for d in part.defects]
    return {'defects': defects, 'headers': [[n, str(v)] for n, v in message.items()], 'parts': parts,
            'from': mailboxes(message, 'from'), 'to': mailboxes(message, 'to'), 'replyTo': mailboxes(message, 'reply-to')}

json.dump([read(base64.b64decode(raw)) for raw in json.load(sys.stdin)], sys.stdout)
`;

/** Why there is no Python to ask; undefined where there is. Its email package of 3.8 and later knows the strict policy. */
export const noPython: string | undefined = (() => {
  const found = spawnSync('python3', ['-c', 'import sys; sys.exit(0 if sys.version_info >= (3, 8) else 1)']);
  if (found.error !== undefined) return 'python3 is not installed';
  return found.status === 0 ? undefined : 'python3 is older than 3.8';
})();

/** Reads messages with Python's parser, all by one process. */
export function readWithPython(messages: readonly Buffer[]): PythonMail[] {
  const input = JSON.stringify(messages.map((raw) => raw.toString('base64')));
  const output = execFileSync('python3', ['-c', script], {
    input,
    maxBuffer: 256 * 1_024 * 1_024,
    // Its floats and texts must not depend on the machine's language.
    env: { PATH: process.env['PATH'], PYTHONIOENCODING: 'utf-8', PYTHONUTF8: '1' },
  });
  return JSON.parse(output.toString('utf8')) as PythonMail[];
}
