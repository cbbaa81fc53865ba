import type { ASTNode } from '@marcbachmann/cel-js';
import { type SQL, sql } from 'drizzle-orm';
import { textParameter } from './constants.ts';
import { type EventFilter, EventJoin } from './events.ts';
import type { NamedParts } from './named-parts.ts';
import type { FacetReference, Value } from './value.ts';

/** What a condition asks for beside the contact's own columns: the joins that it needs, and what it names. */
export class Sources {
  readonly #interactions = new EventJoin('interaction');
  readonly #messages = new EventJoin('dispatch_outcome');
  readonly #lists: string[] = [];
  readonly #named: NamedParts = { facets: [], lists: [], campaigns: [] };

  /** What it names that only the database knows. */
  get named(): Readonly<NamedParts> {
    return this.#named;
  }

  /** @param each see `EventJoin.join` */
  joins(each: boolean): SQL {
    const lists = this.#lists.map((name, index) => {
      const alias = listAlias(index);
      return sql`left join (
        select contact_id from list_member
        where list_id = (${staticList(name)})
      ) ${alias} on ${alias}.contact_id = contact.id`;
    });
    return sql.join([this.#interactions.join(each), this.#messages.join(each), ...lists], sql` `);
  }

  facet(node: ASTNode, name: string): FacetReference {
    const character = node.start + 1;
    return {
      facet: textParameter(node, name),
      character,
      takenFor: (type) => this.#named.facets.push({ name, type, character }),
    };
  }

  /** A facet of which is asked what it is, or whether it is there: any type will do. */
  ofAnyType({ facet, character }: FacetReference): void {
    this.#named.facets.push({ name: facet, type: undefined, character });
  }

  onList(node: ASTNode, name: string): Value {
    this.#named.lists.push({ name, character: node.start + 1 });
    const known = this.#lists.indexOf(name);
    const index = known < 0 ? this.#lists.push(name) - 1 : known;
    // Where the list is gone, nobody knows who was on it: neither this holds then nor its opposite.
    return {
      type: 'bool',
      sql: sql`(case when exists (${staticList(name)}) then ${listAlias(index)}.contact_id is not null end)`,
    };
  }

  /** @param campaign where the id of the filter's campaign stands */
  count(filter: EventFilter, campaign: ASTNode | undefined): Value {
    if (campaign !== undefined && filter.campaignId !== undefined) {
      this.#named.campaigns.push({ name: filter.campaignId, character: campaign.start + 1 });
    }
    return { type: 'int', sql: this.#eventsOf(filter).count(filter) };
  }

  last(filter: EventFilter): Value {
    return { type: 'timestamp', sql: this.#eventsOf(filter).last(filter) };
  }

  #eventsOf({ of }: EventFilter): EventJoin {
    return of === 'messages' ? this.#messages : this.#interactions;
  }
}

function staticList(name: string): SQL {
  return sql`select id from contact_list where name = ${name}::text and expression is null`;
}

function listAlias(index: number) {
  return sql.identifier(`segment_list_${index}`);
}
