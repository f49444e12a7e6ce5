/** Which fact may follow in which phase: the transition tables of the sessions. */
import { assert } from "../errors.ts";

/** `table[phase][fact]` is the phase that follows; a fact that is not there is a bug of ours. */
export type Table<P extends string, F extends string> = Readonly<
  Record<P, { readonly [fact in F]?: P }>
>;

/** The phase after `fact`; crashes where the table has none. */
export function move<P extends string, F extends string>(table: Table<P, F>, phase: P, fact: F): P {
  const next = table[phase][fact];
  assert(next !== undefined, `no ${fact} in phase ${phase}`);
  taken.get(table)?.add(`${phase} ${fact}`);
  return next;
}

/** Which moves were made, for the tests that want a table covered whole; empty in production. */
const taken = new Map<object, Set<string>>();

/** Counts the moves of this table from here on; answers which of them have not been made yet. */
export function watchTable(table: Table<string, string>): () => string[] {
  const seen = new Set<string>();
  taken.set(table, seen);
  return () =>
    Object.entries(table)
      .flatMap(([phase, facts]) => Object.keys(facts).map((fact) => `${phase} ${fact}`))
      .filter((each) => !seen.has(each));
}

/** The table as a Mermaid state diagram, for the documentation. */
export function toMermaid(table: Table<string, string>): string {
  const arrows = Object.entries(table).flatMap(([phase, facts]) =>
    Object.entries(facts).map(([fact, next]) => `  ${phase} --> ${next}: ${fact}`),
  );
  return ["stateDiagram-v2", ...arrows, ""].join("\n");
}
