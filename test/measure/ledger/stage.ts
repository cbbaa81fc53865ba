import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eq, sql } from 'drizzle-orm';
import { newsletter, newsletterHtml } from '../../../src/bench/newsletters.ts';
import { defaultConfigSettings } from '../../../src/config/exm-config.ts';
import { queueMessage } from '../../../src/contacts/audience/queue-message.ts';
import { closeDatabase, connectDatabase, type Database } from '../../../src/db/connect.ts';
import { migrateDatabase } from '../../../src/db/migrate.ts';
import { campaign } from '../../../src/db/schema.ts';
import { ContentCache, type LoadedContent } from '../../../src/dispatch/content-cache.ts';
import { freePorts } from '../../../src/local/ports.ts';
import { startPostgres } from '../../../src/local/postgres.ts';
import { publishDispatchItems } from '../../../src/message/freeze/deploy.ts';
import { insertCampaign, insertList } from '../../contacts/fixtures.ts';
import { baseUrl, keys } from '../../message/fixtures.ts';

export interface Stage {
  readonly db: Database;
  readonly url: string;
  readonly dir: string;
  readonly postmaster: number;
  readonly campaignId: string;
  readonly content: LoadedContent;
  close(): Promise<void>;
}

/** A PostgreSQL as `exm up` starts it, and a campaign whose dispatch begins. */
export async function makeStage(recipients: number): Promise<Stage> {
  const dir = mkdtempSync(join(tmpdir(), 'exm-measure-'));
  const [port = 0] = await freePorts(1);
  const postgres = await startPostgres({
    dir: join(dir, 'postgres'),
    port,
    logFile: join(dir, 'postgres.log'),
  });
  await postgres.ensureDatabase('exm');
  const url = postgres.url('exm');
  const db = connectDatabase(url, { applicationName: 'exm measure', max: 15, queryTimeoutMs: 600_000 });
  await migrateDatabase(db);
  await db.execute(sql`
    insert into contact (email, email_key, first_name, last_name, language, facets)
    select 'r' || n || '@example.com', 'r' || n || '@example.com', 'Name' || n, 'Müller', 'en',
           jsonb_build_object('city', 'London', 'plan', 'gold')
      from generate_series(1, ${recipients}) n`);
  const list = await insertList(db, []);
  await db.execute(sql`insert into list_member (list_id, contact_id) select ${list.id}, id from contact`);
  const campaignId = await insertCampaign(db, { include: [list.id] });
  await db
    .update(campaign)
    .set({
      definition: newsletter(newsletterHtml(14_500, 9)),
      state: 'Sending',
    })
    .where(eq(campaign.id, campaignId));
  await queueMessage(db, campaignId, { ...defaultConfigSettings, languages: ['en'], defaultLanguage: 'en' });
  const { hash } = await publishDispatchItems(db, campaignId, baseUrl);
  const content = await new ContentCache(db, keys, defaultConfigSettings).load(hash);
  return {
    db,
    url,
    dir,
    postmaster: Number.parseInt(readFileSync(join(dir, 'postgres/data/postmaster.pid'), 'utf8'), 10),
    campaignId,
    content,
    async close() {
      await closeDatabase(db);
      await postgres.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
