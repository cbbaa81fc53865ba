import pino, { type Logger } from 'pino';

export type { Logger };

/**
 * The process's log: JSON lines on stderr, for stdout belongs to results. EXM_LOG_LEVEL sets the level (default info).
 * Values under names that may hold a secret or an address are never written.
 */
export function createLogger(name: string): Logger {
  // Lines are few, and must stand in their order and be there when the process ends, however it does.
  const destination = pino.destination({ dest: 2, sync: true });
  // A log that cannot be written (its disk is full, its terminal was closed) must not end the process.
  destination.on('error', () => undefined);
  return pino(
    {
      name,
      level: process.env['EXM_LOG_LEVEL'] ?? 'info',
      redact: {
        paths: [
          '*.password',
          '*.pass',
          '*.smtpUrl',
          '*.databaseUrl',
          'email',
          '*.email',
          '*.keys',
          '*.token',
        ],
        censor: '***',
      },
    },
    destination,
  );
}
