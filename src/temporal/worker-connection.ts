import { NativeConnection } from '@temporalio/worker';
import type { Environment } from '../config/environment.ts';
import { connectConfig, temporalUnreachable } from './connect-config.ts';

/** A connection for workers, and the namespace they work in. The caller closes it. @throws UnavailableError */
export async function connectWorker(
  env: Environment,
): Promise<{ connection: NativeConnection; namespace: string }> {
  const config = connectConfig(env);
  try {
    const connection = await NativeConnection.connect(config.connectionOptions);
    return { connection, namespace: config.namespace ?? 'default' };
  } catch (cause) {
    throw temporalUnreachable(config, cause);
  }
}
