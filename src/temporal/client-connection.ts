import { Client, Connection } from '@temporalio/client';
import type { Environment } from '../config/environment.ts';
import { connectConfig, temporalUnreachable } from './connect-config.ts';

/** A client for commands and programs. The caller closes `client.connection`. @throws UnavailableError */
export async function connectClient(env: Environment): Promise<Client> {
  const config = connectConfig(env);
  try {
    const connection = await Connection.connect({ ...config.connectionOptions, connectTimeout: '10s' });
    return new Client({ connection, ...(config.namespace ? { namespace: config.namespace } : {}) });
  } catch (cause) {
    throw temporalUnreachable(config, cause);
  }
}
