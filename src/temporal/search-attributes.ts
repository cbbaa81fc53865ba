import type { NativeConnection } from '@temporalio/worker';
import { searchAttributes } from '../domain/names.ts';

/** temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD */
const keyword = 2;

/**
 * Registers our search attributes where they are missing.
 *
 * @returns whether the namespace has them: without them a campaign runs all the same, only not found by its state.
 */
export async function ensureSearchAttributes(
  connection: NativeConnection,
  namespace: string,
): Promise<boolean> {
  const names = Object.values(searchAttributes);
  const present = async () => {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    return names.filter((name) => customAttributes?.[name] === undefined);
  };
  try {
    const missing = await present();
    if (missing.length === 0) return true;
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, keyword])),
    });
    return (await present()).length === 0;
  } catch {
    // Not every installation lets its clients ask or add.
    return false;
  }
}
