import type { Client } from '@temporalio/client';
import { sql } from 'drizzle-orm';
import { createTransport } from 'nodemailer';
import { whyLinksFail } from '../../campaigns/why-links-fail.ts';
import type { Environment } from '../../config/environment.ts';
import { readKeys, type TrackingKeys } from '../../config/keys.ts';
import {
  closeDatabase,
  connectDatabase,
  type Database,
  hidePassword,
  pingDatabase,
} from '../../db/connect.ts';
import { schemaFindings, schemaState } from '../../db/migrate.ts';
import { storageRefused } from '../../db/storage-refused.ts';
import { searchAttributes } from '../../domain/names.ts';
import { connectClient } from '../../temporal/client-connection.ts';
import { type Check, ok, warning, wrong, wrongBecause } from './check.ts';
import { checkFeedback } from './feedback.ts';
import { checkServers } from './servers.ts';

const answerTimeoutMs = 5_000;

/** PostgreSQL, its schema, and what the table of servers says. */
export async function checkDatabase(env: Environment): Promise<Check[]> {
  const url = env['DATABASE_URL'] ?? '';
  if (!URL.canParse(url)) return [notLookedAt('PostgreSQL', 'DATABASE_URL', url)];
  const db = connectDatabase(url, { applicationName: 'exm doctor', max: 1 });
  try {
    const version = await pingDatabase(db, url);
    const checks = [
      ok('PostgreSQL', `${version} at ${hidePassword(url)}`),
      await checkStorage(db),
      await checkSchema(db),
    ];
    return checks.some((check) => check.status !== 'ok')
      ? checks
      : [...checks, ...(await checkServers(db)), ...(await checkFeedback(db))];
  } catch (error) {
    return [wrongBecause('PostgreSQL', error, 'Look at its log.')];
  } finally {
    await closeDatabase(db);
  }
}

/** Whether it has room: a temporary table of one row takes a page of the disk, for a moment. */
async function checkStorage(db: Database): Promise<Check> {
  const name = 'Storage';
  try {
    await db.transaction(async (tx) => {
      await tx.execute(sql`create temporary table exm_doctor on commit drop as select 1 as probe`);
    });
    return ok(name, 'the database can store');
  } catch (error) {
    return wrongBecause(name, storageRefused(error) ?? error, 'Look at its log.');
  }
}

async function checkSchema(db: Database): Promise<Check> {
  const name = 'Schema';
  const state = await schemaState(db);
  if (state === 'current') return ok(name, state);
  const { found, todo } = schemaFindings[state];
  return wrong(name, `it ${found}`, todo);
}

/** Temporal, the namespace, and the search attributes that campaigns set. */
export async function checkTemporal(env: Environment): Promise<Check[]> {
  let client: Client;
  try {
    client = await connectClient(env);
  } catch (error) {
    return [wrongBecause('Temporal', error, 'Correct TEMPORAL_ADDRESS.')];
  }
  const { connection } = client;
  const { namespace } = client.options;
  try {
    return await connection.withDeadline(Date.now() + answerTimeoutMs, async () => {
      const info = await connection.workflowService.getSystemInfo({});
      const reached = ok(
        'Temporal',
        `${info.serverVersion} at ${env['TEMPORAL_ADDRESS'] ?? 'localhost:7233'}`,
      );
      try {
        await connection.workflowService.describeNamespace({ namespace });
      } catch {
        const todo = `Create it ("temporal operator namespace create ${namespace}") or correct TEMPORAL_NAMESPACE.`;
        return [reached, wrong('Namespace', `${namespace} is unknown to it, or closed to us`, todo)];
      }
      return [reached, ok('Namespace', namespace), await checkSearchAttributes(client)];
    });
  } catch (error) {
    return [wrongBecause('Temporal', error, 'Look at its log.')];
  } finally {
    await connection.close();
  }
}

async function checkSearchAttributes(client: Client): Promise<Check> {
  const name = 'Search attributes';
  const wanted = Object.values(searchAttributes);
  const { namespace } = client.options;
  try {
    const { customAttributes } = await client.connection.operatorService.listSearchAttributes({ namespace });
    const missing = wanted.filter((attribute) => customAttributes?.[attribute] === undefined);
    if (missing.length === 0) return ok(name, wanted.join(', '));
    const commands = missing.map(
      (attribute) =>
        `temporal operator search-attribute create --namespace ${namespace} --name ${attribute} --type Keyword`,
    );
    return wrong(name, `missing: ${missing.join(', ')}`, `Run: ${commands.join('; ')}`);
  } catch {
    // Temporal Cloud doesn't let everybody read them.
    const todo = `Make sure that the namespace has ${wanted.join(' and ')}, both of type Keyword.`;
    return warning(name, 'could not be read', todo);
  }
}

/** The mail server of this host: connects, says EHLO, and logs in where the URL has a user. */
export async function checkSmtp(env: Environment): Promise<Check[]> {
  const url = env['EXM_SMTP_URL'];
  if (url === undefined || url === '') return [];
  if (!URL.canParse(url)) return [notLookedAt('Mail server', 'EXM_SMTP_URL', url)];
  const transport = createTransport({
    url,
    connectionTimeout: answerTimeoutMs,
    greetingTimeout: answerTimeoutMs,
    socketTimeout: answerTimeoutMs,
  });
  try {
    await transport.verify();
    return [ok('Mail server', `answers at ${hidePassword(url)}`)];
  } catch (error) {
    return [
      wrong(
        'Mail server',
        `${hidePassword(url)}: ${(error as Error).message.split('\n')[0]}`,
        'Start it, or correct EXM_SMTP_URL.',
      ),
    ];
  } finally {
    transport.close();
  }
}

/** Whether the address in every mail's links leads somewhere, seen from here. */
export async function checkBaseUrl(env: Environment): Promise<Check[]> {
  const url = env['EXM_BASE_URL'] ?? '';
  if (!URL.canParse(url)) return [notLookedAt('Tracking links', 'EXM_BASE_URL', url)];
  const { username, password } = new URL(url);
  if (username !== '' || password !== '') {
    const found = `${hidePassword(url)} holds a login, which everybody would read in every mail`;
    return [wrong('Tracking links', found, 'Leave it out of EXM_BASE_URL.')];
  }
  const todo =
    'Start a worker of the role content-delivery there, or correct EXM_BASE_URL or what leads to it.';
  try {
    const health = `${url.replace(/\/+$/, '')}/healthz`;
    const response = await fetch(health, {
      redirect: 'manual',
      signal: AbortSignal.timeout(answerTimeoutMs),
    });
    await response.body?.cancel();
    if (response.ok) {
      const keys = usableKeys(env);
      const why = keys && (await whyLinksFail(url.replace(/\/+$/, ''), keys, 'doctor'));
      return [
        why === undefined ? ok('Tracking links', `${url} answers`) : wrong('Tracking links', why, todo),
      ];
    }
    return [wrong('Tracking links', `${health} answers with status ${response.status}`, todo)];
  } catch (error) {
    const { cause, message } = error as Error & { cause?: { message?: string } };
    return [wrong('Tracking links', `${url}: ${cause?.message || message}`, todo)];
  }
}

/** Undefined where there are none that can be used: they have lines of their own. */
function usableKeys(env: Environment): TrackingKeys | undefined {
  try {
    return readKeys(env);
  } catch {
    return undefined;
  }
}

/** Not wrong by itself: what is wrong is the variable, which has a line of its own. */
function notLookedAt(name: string, variable: string, value: string): Check {
  return warning(name, 'not looked at', `${value === '' ? 'Set' : 'Correct'} ${variable} first.`);
}
