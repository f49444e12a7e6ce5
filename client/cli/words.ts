/**
 * A command line as words: parted by blanks; what stands in single or double quotes is kept together.
 * Nothing in it is expanded, and no shell sees it.
 */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  for (const [whole] of line.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)) {
    words.push(whole.replaceAll(/"([^"]*)"|'([^']*)'/g, (_, double, single) => double ?? single));
  }
  return words;
}
