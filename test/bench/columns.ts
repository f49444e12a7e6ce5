/** A table in plain text: how wide each column is, and a line of it. */
export const lineIn =
  (columns: readonly (readonly [name: string, width: number])[]) =>
  (cells: readonly string[]): string =>
    cells
      .map((cell, index) => cell.padEnd(columns[index]?.[1] ?? 0))
      .join("  ")
      .trimEnd();
