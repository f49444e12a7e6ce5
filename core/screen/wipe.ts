/** The ways to wipe a disk, as a person chooses them. */
export const wipeMethods = [
  { method: "discard", text: "Discard (TRIM): seconds on an SSD; else zeros" },
  { method: "zero", text: "Write zeros everywhere: hours on a large disk" },
] as const;
