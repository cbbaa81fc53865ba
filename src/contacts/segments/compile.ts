import type { ASTNode } from '@marcbachmann/cel-js';
import { type SQL, sql } from 'drizzle-orm';
import { facetNamed, isField } from '../../cel/syntax-tree.ts';
import { type ArithmeticOperator, negative, reckon } from './arithmetic.ts';
import { constantDay, constantInstant, constantText, constantWholeNumber } from './constants.ts';
import { daysAgo, type EventFunction, eventFunctions, type LastEvent, lastEvents } from './events.ts';
import { columns, converted, literal, numeric, ofOneType, timeParts, typeWords } from './operands.ts';
import { Sources } from './sources.ts';
import { methodsOfText, methodsWithText, substring } from './text-methods.ts';
import { Uncompilable } from './uncompilable.ts';
import {
  asDouble,
  type Comparison,
  compare,
  compareFacets,
  facetAs,
  facetAsNumber,
  hasFacet,
  type Operand,
  type Value,
  type ValueType,
} from './value.ts';

/** One condition on its way to SQL: it collects the joins that it needs. */
export class Compilation {
  readonly #sources = new Sources();

  get sources(): Pick<Sources, 'named' | 'joins'> {
    return this.#sources;
  }

  condition(node: ASTNode): SQL {
    return this.#as('bool', node);
  }

  #as(type: ValueType, node: ASTNode): SQL {
    const value = this.#value(type, node);
    if (value.type === type) return value.sql;
    throw new Uncompilable(node, `has ${typeWords[value.type]} where ${typeWords[type]} is expected`);
  }

  /** @param expected the type, where it is a facet's */
  #value(expected: ValueType, node: ASTNode): Value {
    const operand = this.#operand(node);
    return 'facet' in operand ? facetAs(expected, operand) : operand;
  }

  #operand(node: ASTNode): Operand {
    switch (node.op) {
      case 'value':
        return literal(node, node.args);
      case '.':
      case '[]':
        return this.#field(node);
      case '!_':
        return { type: 'bool', sql: sql`(not ${this.#as('bool', node.args)})` };
      case '-_':
        return negative(this.#number(node.args));
      case '&&':
      case '||':
        return { type: 'bool', sql: this.#logical(node.op, node.args) };
      case '==':
      case '!=':
      case '<':
      case '<=':
      case '>':
      case '>=':
        return this.#comparison(node.op, node.args);
      case '+':
      case '-':
      case '*':
      case '/':
      case '%':
        return this.#arithmetic(node.op, node.args);
      case 'in':
        return this.#membership(node.args);
      case '?:':
        return this.#choice(node.args);
      case 'call':
        return this.#call(node, ...node.args);
      case 'rcall':
        return this.#method(node, ...node.args);
      case 'list':
        throw new Uncompilable(
          node,
          'has a list where none can stand',
          'A list stands behind "in": contact.language in ["de", "en"].',
        );
      default:
        throw new Uncompilable(node, 'has a form that segments do not have');
    }
  }

  #field(node: ASTNode): Operand {
    const facet = facetNamed(node);
    if (facet !== undefined) {
      return this.#sources.facet(node, facet);
    }
    if (node.op === '.' && node.args[0].op === 'id') {
      const [, name] = node.args;
      const column = Object.hasOwn(columns, name) ? columns[name] : undefined;
      if (column !== undefined) return column;
      if (isLastEvent(name)) return this.#sources.last({ of: lastEvents[name] });
      const toDo =
        name === 'lists'
          ? 'Write "customers" in contact.lists.'
          : 'Write contact.facets.city, or "favourite colour" in contact.facets.';
      throw new Uncompilable(node, `uses contact.${name} as a whole`, toDo);
    }
    throw new Uncompilable(
      node,
      'asks for something that is no value of the contact',
      'Write contact.firstName, contact.facets.city or contact.facets["favourite colour"].',
    );
  }

  #logical(operator: '&&' | '||', [left, right]: [ASTNode, ASTNode]): SQL {
    const word = operator === '&&' ? sql`and` : sql`or`;
    return sql`(${this.#as('bool', left)} ${word} ${this.#as('bool', right)})`;
  }

  #comparison(operator: Comparison, [leftNode, rightNode]: [ASTNode, ASTNode]): Value {
    const [left, right] = [this.#operand(leftNode), this.#operand(rightNode)];
    if ('facet' in left && 'facet' in right) {
      this.#sources.ofAnyType(left);
      this.#sources.ofAnyType(right);
      return compareFacets(operator, left, right);
    }
    const [a, b] = ofOneType(left, right, rightNode);
    if (a.type === 'bool' && operator !== '==' && operator !== '!=') {
      throw new Uncompilable(
        rightNode,
        'asks which of two truths is the greater',
        'Compare them with == or !=.',
      );
    }
    return compare(operator, a, b);
  }

  #arithmetic(operator: ArithmeticOperator, [leftNode, rightNode]: [ASTNode, ASTNode]): Value {
    const [left, right] = [this.#operand(leftNode), this.#operand(rightNode)];
    const isText = [left, right].some((one) => 'type' in one && one.type === 'string');
    if (operator === '+' && isText) {
      const [a, b] = ofOneType(left, right, rightNode);
      return { type: 'string', sql: sql`(${a.sql} || ${b.sql})` };
    }
    if (operator === '+' && 'facet' in left && 'facet' in right) {
      throw new Uncompilable(
        rightNode,
        'adds two facets that may be text or numbers',
        'Write double(contact.facets.a) + contact.facets.b for numbers, contact.facets.a + "" + contact.facets.b for text.',
      );
    }
    const [a, b] = [numeric(left, leftNode), numeric(right, rightNode)];
    if (operator === '%' && (a.type !== 'int' || b.type !== 'int')) {
      throw new Uncompilable(
        rightNode,
        'asks for the remainder of what is no whole number',
        'Write int(contact.facets.age) % 2.',
      );
    }
    return reckon(operator, a, b);
  }

  #number(node: ASTNode): Value {
    return numeric(this.#operand(node), node);
  }

  #membership([itemNode, listNode]: [ASTNode, ASTNode]): Value {
    if (isField(listNode, 'lists')) {
      return this.#sources.onList(itemNode, constantText(itemNode, 'the name of a list'));
    }
    if (isField(listNode, 'facets')) {
      const name = constantText(itemNode, 'the name of a facet');
      this.#sources.ofAnyType(this.#sources.facet(itemNode, name));
      return hasFacet(name);
    }
    if (listNode.op !== 'list') {
      throw new Uncompilable(
        listNode,
        'looks into something that is no list',
        'Write contact.language in ["de", "en"].',
      );
    }
    const { args: nodes } = listNode;
    const values = nodes.map((one) => {
      if (one.op === 'value' || (one.op === '-_' && one.args.op === 'value')) return this.#operand(one);
      throw new Uncompilable(
        one,
        'has a list of other things than values',
        'Write the values themselves into the list, or several comparisons with ||.',
      );
    });
    const [first] = values;
    if (first === undefined)
      throw new Uncompilable(listNode, 'looks into an empty list', 'Name at least one value.');
    return isOneOf(this.#operand(itemNode), values, nodes);
  }

  #choice([condition, yes, no]: [ASTNode, ASTNode, ASTNode]): Operand {
    const [left, right] = [this.#operand(yes), this.#operand(no)];
    if ('facet' in left && 'facet' in right) {
      throw new Uncompilable(
        yes,
        'chooses between two facets, whose types are not known here',
        'Put the comparison into each branch.',
      );
    }
    const [a, b] = ofOneType(left, right, no);
    const type = a.type === b.type ? a.type : 'double';
    return {
      type,
      sql: sql`(case ${this.#as('bool', condition)} when true then ${a.sql} when false then ${b.sql} end)`,
    };
  }

  #call(node: ASTNode, name: string, given: readonly ASTNode[]): Value {
    const [first] = given;
    if (isEventFunction(name)) return this.#events(name, given);
    switch (name) {
      case 'today':
        return { type: 'timestamp', sql: daysAgo(0) };
      case 'daysAgo':
        return { type: 'timestamp', sql: daysAgo(constantWholeNumber(first ?? node, -36_500, 36_500)) };
      case 'date':
        return constantDay(first ?? node);
      case 'timestamp':
        return constantInstant(first ?? node);
      case 'has':
        return this.#has(first ?? node);
      case 'size':
        return methodsOfText.size(this.#as('string', first ?? node));
      case 'int':
      case 'double':
        return this.#conversion(name, first ?? node);
      default:
        throw new Uncompilable(node, `uses ${name}(), which segments do not have`);
    }
  }

  #events(of: EventFunction, given: readonly ASTNode[]): Value {
    const [first, second] = given;
    const campaign = second ?? (first?.op === 'value' && typeof first.args === 'string' ? first : undefined);
    const days = first === campaign ? undefined : first;
    const campaignId = campaign && constantText(campaign, 'the id of a campaign');
    const within = days && constantWholeNumber(days, 1, 36_500);
    return this.#sources.count({ of, days: within, campaignId }, campaign);
  }

  #has(node: ASTNode): Value {
    const operand = this.#field(node);
    if (!('facet' in operand)) return { type: 'bool', sql: sql`(${operand.sql} is not null)` };
    this.#sources.ofAnyType(operand);
    return hasFacet(operand.facet);
  }

  #conversion(to: 'int' | 'double', node: ASTNode): Value {
    const operand = this.#operand(node);
    if ('facet' in operand) {
      this.#sources.ofAnyType(operand);
      return facetAsNumber(to, operand);
    }
    return converted(to, operand, node);
  }

  #method(node: ASTNode, name: string, receiver: ASTNode, given: readonly ASTNode[]): Value {
    if (Object.hasOwn(timeParts, name)) {
      const part = timeParts[name];
      if (given.length > 0)
        throw new Uncompilable(
          node,
          `names a time zone in ${name}()`,
          'Days are those of UTC: leave it out.',
        );
      if (part !== undefined) {
        return { type: 'int', sql: part(sql`(${this.#as('timestamp', receiver)} at time zone 'UTC')`) };
      }
    }
    const text = this.#as('string', receiver);
    const [first, second] = given;
    if (name === 'substring') {
      const start = constantWholeNumber(first ?? node, 0, 100_000);
      return substring(text, start, second && constantWholeNumber(second, start, 100_000));
    }
    if (name in methodsOfText) return methodsOfText[name as keyof typeof methodsOfText](text);
    if (name in methodsWithText && first !== undefined && second === undefined) {
      return methodsWithText[name as keyof typeof methodsWithText](text, this.#as('string', first));
    }
    throw new Uncompilable(node, `uses ${name}() in a form that segments do not have`);
  }
}

/** The item is written down once: said for each value, lists within lists would grow without bounds. */
function isOneOf(item: Operand, values: readonly Operand[], nodes: readonly ASTNode[]): Value {
  const pairs = values.map((one, index) => ofOneType(item, one, nodes[index] as ASTNode));
  const isDouble = pairs.some(([a, b]) => a.type === 'double' || b.type === 'double');
  const sqlOf = (value: Value) => (isDouble ? asDouble(value) : value).sql;
  const [[own] = []] = pairs;
  if (own === undefined) throw new Error('a list without values');
  const list = pairs.map(([, value]) => sqlOf(value));
  return { type: 'bool', sql: sql`(${sqlOf(own)} in (${sql.join(list, sql`, `)}))` };
}

function isEventFunction(name: string): name is EventFunction {
  return Object.hasOwn(eventFunctions, name);
}

function isLastEvent(name: string): name is LastEvent {
  return Object.hasOwn(lastEvents, name);
}
