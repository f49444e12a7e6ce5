/** The ways to empty a disk, as they are asked about. */
export const wipeMethods = [
  { method: "discard", text: "Discard (TRIM): seconds, on SSDs; else zeros" },
  { method: "zero", text: "Zeros over everything: hours on a large disk" },
] as const;
