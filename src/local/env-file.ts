import { environmentFile } from '../config/environment.ts';
import { writePrivateFile } from './write-file.ts';

/** Writes `<data-dir>/env`, which commands read when their own environment doesn't say where things are. */
export function writeEnvironmentFile(dataDir: string, variables: Readonly<Record<string, string>>): void {
  writePrivateFile(
    environmentFile(dataDir),
    `# Written by "exm up"; commands run beside this folder read it. Holds secrets.\n${formatEnvironment(variables)}`,
  );
}

/** As `node:util`'s parseEnv reads it back: quoted, for in bare values a # starts a comment. */
export function formatEnvironment(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => {
      if (/^[\w./:@%+,=?&~*-]*$/.test(value)) return `${name}=${value}\n`;
      const quote = ["'", '`', '"'].find((candidate) => !value.includes(candidate)) ?? '"';
      return `${name}=${quote}${value}${quote}\n`;
    })
    .join('');
}
