import { InputError } from '../../domain/errors.ts';
import { whatATestIs } from './test-schema.ts';

const whatAFileNeeds =
  'A campaign file needs name, from, subject, template and include; "exm campaign create --help" shows one.';

/** Something that is wrong at a place of a campaign file. */
export function problem(
  code: string,
  where: string,
  key: string,
  value: unknown,
  expected: string,
): InputError {
  const seen = value === undefined ? '' : `; it is ${shown(value)}`;
  return new InputError(code, `${where}: ${key === '' ? 'the file' : key} ${expected}${seen}.`, {
    field: where,
    ...(value === undefined ? {} : { value }),
    hint: /^test\b/.test(key) ? whatATestIs : whatAFileNeeds,
  });
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
