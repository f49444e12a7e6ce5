/** Where a reader finds each document. */

/** What each document is for, in the order in which somebody new reads them. A document that is in none is a fault. */
export const parts: readonly (readonly [title: string, pages: readonly string[]])[] = [
  ["Tutorial", ["install", "guide"]],
  [
    "How to",
    [
      ...["capture", "rooms", "personalise", "disks", "import-export", "page"],
      ...["boot", "backup", "several-servers", "from-fog", "from-clonezilla"],
    ],
  ],
  [
    "Reference",
    [
      ...["reference/commands", "configuration", "reference/configuration", "api"],
      ...["reference/api", "reference/metrics", "glossary", "image-format", "protocol"],
    ],
  ],
  [
    "Explanation",
    [
      ...["cast", "sessions", "campus", "security", "attacks"],
      ...["testing", "dependencies", "bench", "decisions"],
    ],
  ],
];

/** The documents among these file names of docs/ that are in no part. */
export function unlisted(names: readonly string[]): string[] {
  const listed = new Set(parts.flatMap(([, pages]) => pages.map((page) => `${page}.md`)));
  return names.filter((name) => name.endsWith(".md") && !listed.has(name));
}
