import { drizzle } from 'drizzle-orm/node-postgres';
import type pg from 'pg';
import type { Database } from '../../db/connect.ts';
import * as schema from '../../db/schema.ts';

/**
 * A database that remembers what it has answered, and then answers the same questions, in the same order, without asking
 * anybody: to see what reading costs.
 */
export class RememberedQueries {
  readonly db: Database;
  readonly #answers: unknown[] = [];
  #isAnsweringByItself = false;

  constructor(real: Database) {
    const query = async (...question: unknown[]): Promise<unknown> => {
      if (this.#isAnsweringByItself) {
        if (this.#answers.length === 0) throw new Error('a question was asked that was not asked before');
        return this.#answers.shift();
      }
      const answer = await (real.$client.query as (...given: unknown[]) => Promise<unknown>)(...question);
      this.#answers.push(answer);
      return answer;
    };
    const client = { query } as unknown as pg.Pool;
    this.db = Object.assign(drizzle(client, { schema }), { $client: client }) as Database;
  }

  /** From now on nobody is asked. */
  answerByItself(): void {
    this.#isAnsweringByItself = true;
  }
}
