/**
 * The texts of a Linux system that hold its name. All texts in this folder are read and written byte by
 * byte, a character each, so that what is not ASCII stays as it is.
 */

export interface HostNames {
  /** The name that the system had; null: none that means anything. */
  readonly former: string | null;
  readonly name: string;
  readonly domain: string | null;
}

/** The first label of the name in `/etc/hostname` (hostname(5)); null: there is none, or every system has it. */
export function formerName(text: string | null): string | null {
  const line = (text ?? "").split("\n").find((each) => /^\s*[^#\s]/.test(each)) ?? "";
  const label = line.trim().split(".")[0] ?? "";
  return label === "" || label === "localhost" ? null : label;
}

/**
 * `/etc/hosts` (hosts(5)): on lines of the loopback the former name becomes this one, and 127.0.1.1, by
 * which Debian finds its own name, has it in any case. Lines of other addresses are about other hosts.
 */
export const hostsText = (text: string, names: HostNames): string =>
  text
    .split("\n")
    .map((line) => hostsLine(line, names))
    .join("\n");

function hostsLine(line: string, names: HostNames): string {
  const found = /^(\s*)([\da-fA-F.:]+)(\s+)([^#]*?)(\s*(?:#.*)?)$/.exec(line);
  if (found === null) return line;
  const [, indent = "", address = "", gap = "", aliases = "", rest = ""] = found;
  if (!address.startsWith("127.") && address !== "::1") return line;
  const before = aliases.split(/\s+/);
  const after = address === "127.0.1.1" ? ownAliases(before, names) : renamed(before, names);
  if (after.join(" ") === before.join(" ")) return line;
  return `${indent}${address}${gap}${after.join(" ")}${rest}`;
}

function ownAliases(before: readonly string[], names: HostNames): string[] {
  const { former, name, domain } = names;
  const others = before.filter((alias) => !isOf(alias, former) && !isOf(alias, name));
  const isForeign = others.length === before.length;
  return [...(domain === null ? [] : [`${name}.${domain}`]), name, ...(isForeign ? [] : others)];
}

function renamed(before: readonly string[], names: HostNames): string[] {
  const { former, name, domain } = names;
  if (former === null || !before.some((alias) => isOf(alias, former))) return [...before];
  const after = before.map((alias) => {
    if (!isOf(alias, former)) return alias;
    if (alias.length === former.length) return name;
    return domain === null ? name + alias.slice(former.length) : `${name}.${domain}`;
  });
  return [...new Set(after)];
}

const isOf = (alias: string, name: string | null): boolean =>
  name !== null &&
  (alias.toLowerCase() === name.toLowerCase() ||
    alias.toLowerCase().startsWith(`${name.toLowerCase()}.`));

/** `NAME=VALUE` of a file that a shell reads: the lines that set it, if there are any. */
export const assignedText = (text: string, key: string, value: string): string =>
  text.replace(new RegExp(`^([ \\t]*(?:export[ \\t]+)?${key}=).*$`, "gm"), `$1${value}`);
