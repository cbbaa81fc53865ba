import { type ClientConnectConfig, loadClientConnectConfig } from '@temporalio/envconfig';
import type { Environment } from '../config/environment.ts';
import { UnavailableError } from '../domain/errors.ts';

/** Address, namespace, TLS and API key from the standard TEMPORAL_* variables and profiles. */
export function connectConfig(env: Environment): ClientConnectConfig {
  const given = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return loadClientConnectConfig({ overrideEnvVars: Object.fromEntries(given) });
}

export function temporalUnreachable(config: ClientConnectConfig, cause: unknown): UnavailableError {
  const address = config.connectionOptions.address ?? 'localhost:7233';
  return new UnavailableError('TEMPORAL_UNREACHABLE', `Temporal does not answer at ${address}.`, {
    field: 'TEMPORAL_ADDRESS',
    value: address,
    hint: 'Start it ("exm up" starts a local one) or set TEMPORAL_ADDRESS to where it is.',
    cause,
  });
}
