/** Lays rows out in columns under a heading, two spaces between; a line for each row. */
export function tableLines(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  const widths = heading.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  return [heading, ...rows].map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** The same as one text. */
export const table = (heading: readonly string[], rows: readonly (readonly string[])[]): string =>
  tableLines(heading, rows).join("\n");
