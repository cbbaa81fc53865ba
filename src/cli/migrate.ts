import { Command } from 'commander';
import { readCommandSettings } from '../config/settings.ts';
import { closeDatabase, connectDatabase, pingDatabase } from '../db/connect.ts';
import { migrateDatabase, requireCurrentSchema, schemaState } from '../db/migrate.ts';
import { action, withGlobalFlags } from './command.ts';

export function migrateCommand(): Command {
  return withGlobalFlags(new Command('migrate'))
    .description("bring the database's schema up to this version")
    .addHelpText('after', '\nExample:\n  DATABASE_URL=postgres://exm:secret@db/exm exm migrate')
    .action(
      action(async ({ io, env }) => {
        const { databaseUrl } = readCommandSettings(env);
        const db = connectDatabase(databaseUrl, { applicationName: 'exm migrate', max: 2 });
        try {
          await pingDatabase(db, databaseUrl);
          const before = await schemaState(db);
          if (before === 'newer' || before === 'foreign') await requireCurrentSchema(db);
          if (before !== 'current') await migrateDatabase(db);
          io.result(
            { before, after: 'current' },
            before === 'current' ? 'The schema is current.' : `The schema was ${before}; it is current now.`,
          );
        } finally {
          await closeDatabase(db);
        }
      }),
    );
}
