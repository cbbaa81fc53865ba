import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection } from '@temporalio/worker';
import type { Environment } from '../config/environment.ts';
import { UnavailableError } from '../domain/errors.ts';

/** Address, namespace, TLS and API key from the standard TEMPORAL_* variables and profiles. */
function connectConfig(env: Environment) {
  return loadClientConnectConfig({ overrideEnvVars: { ...env } as Record<string, string> });
}

function unreachable(address: string | undefined, cause: unknown): UnavailableError {
  return new UnavailableError(
    'TEMPORAL_UNREACHABLE',
    `Temporal does not answer at ${address ?? 'localhost:7233'}.`,
    {
      field: 'TEMPORAL_ADDRESS',
      value: address ?? 'localhost:7233',
      hint: 'Start it ("exm up" starts a local one) or correct TEMPORAL_ADDRESS.',
      cause,
    },
  );
}

/** A client for commands and programs. The caller closes `client.connection`. @throws UnavailableError */
export async function connectClient(env: Environment): Promise<Client> {
  const config = connectConfig(env);
  try {
    const connection = await Connection.connect({ ...config.connectionOptions, connectTimeout: '10s' });
    return new Client({ connection, ...(config.namespace ? { namespace: config.namespace } : {}) });
  } catch (cause) {
    throw unreachable(config.connectionOptions.address, cause);
  }
}

/** A connection for workers, and the namespace they work in. @throws UnavailableError */
export async function connectWorker(
  env: Environment,
): Promise<{ connection: NativeConnection; namespace: string }> {
  const config = connectConfig(env);
  try {
    const connection = await NativeConnection.connect(config.connectionOptions);
    return { connection, namespace: config.namespace ?? 'default' };
  } catch (cause) {
    throw unreachable(config.connectionOptions.address, cause);
  }
}
