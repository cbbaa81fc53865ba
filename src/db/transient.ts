import { storageRefused } from './storage-refused.ts';

/** Node's codes for a peer that is not there at the moment. */
const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/**
 * PostgreSQL's classes of errors that pass by themselves: connection exceptions, insufficient resources, operator
 * intervention (a shutdown), and 40001, 40P01, 55P03 (serialization failure, deadlock, a lock that was waited for too long),
 * 25006 (read only, as during a failover), 25P03 (a transaction that was idle for too long, as that of a process that was
 * frozen). PostgreSQL manual, appendix A.
 */
const serverCodes = /^(08|53|57P|40001$|40P01$|55P03$|25006$|25P03$)/;

/** What the driver says without a code where a connection broke or none came about. */
const driverMessages =
  /connection terminated|timeout exceeded when trying to connect|client has encountered a connection error|query read timeout/i;

/**
 * True where the same query may succeed later as it is: by itself, or because a person made room on the database's disk
 * (`storageRefused`). What it was to store is kept until then.
 */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (storageRefused(error) !== undefined) return true;
  const code = 'code' in error ? String(error.code) : '';
  if (networkCodes.has(code) || serverCodes.test(code) || driverMessages.test(error.message)) return true;
  if (error instanceof AggregateError) return error.errors.some(isTransient);
  return error.cause !== undefined && isTransient(error.cause);
}
