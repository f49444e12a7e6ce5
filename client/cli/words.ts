/**
 * Splits a command line at blanks; text in single or double quotes stays together. Nothing is expanded,
 * and no shell sees it.
 */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  for (const [whole] of line.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)) {
    words.push(whole.replaceAll(/"([^"]*)"|'([^']*)'/g, (_, double, single) => double ?? single));
  }
  return words;
}
