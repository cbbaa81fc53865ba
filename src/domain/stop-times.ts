/**
 * How long a planned stop may take. A worker gives itself `stopMaximumMs`; whoever may kill one (`exm up`,
 * docker-compose.yml, systemd) waits for `supervisorPatienceMs`: who waits less kills a process whose mail server still
 * answers, and that message goes out twice. A worker that has nothing to finish stops at once; what bounds the others is
 * a mail server that takes its time. Milliseconds.
 */

/**
 * The answers to MAIL, RCPT and DATA together. RFC 5321 sections 4.5.3.2.2 and 4.5.3.2.3: five minutes. Nothing has been
 * handed over until then, so giving up here repeats nobody.
 */
export const envelopeTimeoutMs = 300_000;
/**
 * The message and the answer to it. RFC 5321 section 4.5.3.2.6: ten minutes at the least, for a server that is given up
 * earlier has often taken the message all the same, and gets it again.
 */
export const contentTimeoutMs = 600_000;
/** One message on the wire, from MAIL to the answer that decides. */
export const messageMaximumMs = envelopeTimeoutMs + contentTimeoutMs;

/** Its outcome's way into the ledger: a flush (5 s until it is given up) that a failover makes try again. */
const recordMaximumMs = 50_000;
/** How long a dispatcher that stops waits until all its messages are answered and recorded. */
export const drainMaximumMs = messageMaximumMs + recordMaximumMs;
/**
 * How long a cancelled campaign keeps its books open for messages that are on the wire: whoever is entered as cancelled must
 * not have got it.
 */
export const cancelMaximumMs = drainMaximumMs;
/** How long a worker then waits for Temporal to take the results of what it has finished. */
export const reportMaximumMs = 60_000;
/** Saying in the database that it stopped, and closing connections. */
export const endMaximumMs = 10_000;

/** From the signal to the end of the process: 17 minutes. */
export const stopMaximumMs = drainMaximumMs + reportMaximumMs + endMaximumMs;
/** What whoever may kill a worker gives it: a minute more, so that one whose time is over still says so itself. */
export const supervisorPatienceMs = stopMaximumMs + 60_000;
