import type { PoolClient } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { ImportRow } from './import-row.ts';

/** Rows of the file as they were read, gone with the transaction. Null: the row says nothing. No index: it is read as a whole. */
const createStaging = `
  create temporary table import_row (
    line bigint not null,
    email text not null,
    email_key text not null,
    first_name text not null,
    last_name text not null,
    language text not null,
    facets jsonb not null,
    do_not_market boolean,
    consent_revoked boolean,
    bounce_count integer
  ) on commit drop`;

/** Bytes collected for one write: fewer cost more per row, more gain nothing. */
const writeBytes = 64 * 1024;

/** Takes rows into the temporary table `import_row` of a transaction, by COPY. */
export interface Staging {
  /** Settles when the rows are on their way and more may come: waits where the database is slower than the file. */
  add(rows: readonly ImportRow[]): Promise<void>;
  /** Settles when all rows are in the table. */
  end(): Promise<void>;
  /** Breaks the COPY off. The transaction can only be rolled back afterwards. */
  abandon(): void;
}

export async function openStaging(client: PoolClient): Promise<Staging> {
  await client.query(createStaging);
  const copy = client.query(copyFrom('copy import_row from stdin'));
  let failure: Error | undefined;
  copy.on('error', (error) => {
    failure ??= error;
  });
  const finished = new Promise<void>((resolve, reject) => {
    copy.on('finish', resolve);
    copy.on('error', reject);
  });
  finished.catch(() => undefined);
  let text = '';

  const flush = async () => {
    if (failure !== undefined) throw failure;
    const chunk = text;
    text = '';
    if (chunk === '' || copy.write(chunk)) return;
    await Promise.race([new Promise((resolve) => copy.once('drain', resolve)), finished]);
  };

  return {
    async add(rows) {
      for (const row of rows) {
        text += copyLine(row);
        if (text.length >= writeBytes) await flush();
      }
    },
    async end() {
      await flush();
      copy.end();
      await finished;
    },
    abandon() {
      copy.destroy(new Error('abandoned'));
    },
  };
}

/** One row in the text format of COPY. */
function copyLine(row: ImportRow): string {
  const texts = `${row.email}\t${row.emailKey}\t${row.firstName}\t${row.lastName}\t${row.language}\t${row.facets}`;
  // The tabs between are ours: no value but a facet can hold one, and JSON writes it as \t.
  const escaped = texts.includes('\\') ? texts.replaceAll('\\', '\\\\') : texts;
  return `${row.line}\t${escaped}\t${copyValue(row.doNotMarket)}\t${copyValue(row.consentRevoked)}\t${copyValue(row.bounceCount)}\n`;
}

function copyValue(value: boolean | number | undefined): string {
  return value === undefined ? '\\N' : String(value);
}
