import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import type { ClientConnectConfig } from '@temporalio/envconfig';
import type { Environment } from '../config/environment.ts';
import { connectConfig, temporalUnreachable } from './connect-config.ts';
import { retryUntilClosed } from './retry-until-closed.ts';

/** A client for commands and programs. The caller closes `client.connection`. @throws UnavailableError */
export async function connectClient(env: Environment): Promise<Client> {
  const config = connectConfig(env);
  try {
    const connection = await Connection.connect({ ...optionsOf(config), connectTimeout: '10s' });
    return clientOf(connection, config);
  } catch (cause) {
    throw temporalUnreachable(config, cause);
  }
}

/** The same, connected by its first call: for those who can do without an answer. */
export function lazyClient(env: Environment): Client {
  const config = connectConfig(env);
  return clientOf(Connection.lazy(optionsOf(config)), config);
}

function optionsOf({ connectionOptions }: ClientConnectConfig): ConnectionOptions {
  return { ...connectionOptions, interceptors: retryUntilClosed };
}

function clientOf(connection: Connection, { namespace }: ClientConnectConfig): Client {
  return new Client({ connection, ...(namespace ? { namespace } : {}) });
}
