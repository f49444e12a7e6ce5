/** The kernel's small files. What is not there is unknown, not an error. */
import { readdirSync, readFileSync, realpathSync } from "node:fs";

/** Where `/sys` and `/proc` are: elsewhere in tests. */
export interface Roots {
  readonly sys: string;
  readonly proc: string;
}

export const systemRoots: Roots = { sys: "/sys", proc: "/proc" };

/** The file's text without the blanks around it; null when there is none, or nothing in it. */
export function readText(path: string): string | null {
  try {
    const text = readFileSync(path, "utf8").trim();
    return text === "" ? null : text;
  } catch {
    return null;
  }
}

export function readBytes(path: string): Uint8Array | null {
  try {
    return readFileSync(path);
  } catch {
    return null;
  }
}

/** A whole number, negative ones included; null when the file holds none. */
export function readNumber(path: string): number | null {
  const text = readText(path);
  return text !== null && /^-?\d+$/.test(text) ? Number(text) : null;
}

/** Names in the folder, sorted; none when there is no folder. */
export function names(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch {
    return [];
  }
}

/** Where a link leads in the end, or null. */
export function target(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}
