/** What a sender that is compared with is to send; it begins when it is told `go`, after it has said that it is ready. */
export interface SenderTask {
  readonly port: number;
  readonly connections: number;
  readonly messages: number;
  /** Of a message on the wire, about. */
  readonly bytes: number;
  /** For those who compose it: HTML with names and links to fill in. */
  readonly html: string;
  /** For the bare socket: a message's content and the next one's envelope are one write. */
  readonly isAhead?: boolean;
}

/** The next message of whoever started this process, which ends with it. */
export async function nextMessage<T>(): Promise<T> {
  return await new Promise((resolve) => process.once('message', (message) => resolve(message as T)));
}

/** Prepares, waits for the word, sends, and says so. */
export async function runSender(prepare: (task: SenderTask) => Promise<() => Promise<void>>): Promise<void> {
  process.on('disconnect', () => process.exit());
  const send = await prepare(await nextMessage<SenderTask>());
  process.send?.({ ready: true });
  await nextMessage<{ readonly go: true }>();
  await send();
  process.send?.({ sent: true });
}

/** How many of `all` fall to one of so many, as evenly as can be. */
export function shareOf(all: number, one: number, count: number): number {
  return Math.floor(((one + 1) * all) / count) - Math.floor((one * all) / count);
}
