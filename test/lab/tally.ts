/** What happened in labs: counted, and told. */

/** What happened in labs, for whoever wants to know what they tried. */
export interface Tally {
  readonly happened: Record<
    "events" | "facts" | "batches" | "messages" | "writes" | "departures" | "refusals" | "boots",
    number
  >;
  /** Of each kind. */
  readonly sessions: Record<string, number>;
  readonly acts: Record<string, number>;
  readonly faults: Record<string, number>;
  /** How due times were met. */
  readonly schedules: Record<string, number>;
}

export const newTally = (): Tally => ({
  happened: {
    events: 0,
    facts: 0,
    batches: 0,
    messages: 0,
    writes: 0,
    departures: 0,
    refusals: 0,
    boots: 0,
  },
  ...{ sessions: {}, acts: {}, faults: {}, schedules: {} },
});

export function count(counts: Record<string, number>, what: string): void {
  counts[what] = (counts[what] ?? 0) + 1;
}

/** A line for each part, with what it starts with. */
export const linesOf = (tally: Tally): string[] =>
  (
    [
      ["happened", tally.happened],
      ["sessions", tally.sessions],
      ["operators", tally.acts],
      ["faults", tally.faults],
      ["schedules", tally.schedules],
    ] as const
  ).map(([name, counts]) => {
    const each = Object.entries(counts).map(([what, times]) => `${what} ${times}`);
    return `${name.padEnd(12)} ${each.join(", ")}`;
  });
