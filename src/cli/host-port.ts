import { InvalidArgumentError } from 'commander';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Reads a flag's value `HOST:PORT`; port 0 means any that is free. @throws InvalidArgumentError */
export function parseHostPort(text: string): HostPort {
  const parts = /^(\[[0-9a-fA-F:]+\]|[^:[\]\s]+):(\d{1,5})$/.exec(text);
  const port = Number(parts?.[2]);
  if (parts?.[1] === undefined || port > 65_535) {
    throw new InvalidArgumentError('It must be HOST:PORT, for example 127.0.0.1:8025.');
  }
  return { host: parts[1].replace(/^\[|\]$/g, ''), port };
}
