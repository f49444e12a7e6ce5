/** `authorized_keys` (sshd(8)) with these lines added; those whose key is there already are left out. */
export function withKeys(text: string, lines: readonly string[]): string {
  const known = new Set(text.split("\n").map(keyOf));
  const missing: string[] = [];
  for (const line of lines) {
    const key = keyOf(line);
    if (key === "" || known.has(key)) continue;
    known.add(key);
    missing.push(`${line.trim()}\n`);
  }
  if (missing.length === 0) return text;
  return `${text}${text === "" || text.endsWith("\n") ? "" : "\n"}${missing.join("")}`;
}

/** What makes two lines the same: the key's own base64, whatever options and comment stand around it. */
function keyOf(line: string): string {
  const trimmed = line.trim();
  if (trimmed.startsWith("#")) return "";
  return /(?:^|\s)(AAAA[A-Za-z0-9+/]+=*)(?:\s|$)/.exec(trimmed)?.[1] ?? trimmed;
}
