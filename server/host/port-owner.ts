/** Which program has a port, as /proc tells it. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";

export interface PortOwner {
  readonly pid: number;
  /** As `ps` shows it. */
  readonly name: string;
}

/** `udp`, or `tcp` that listens. */
export type PortKind = "udp" | "tcp";

/** /proc/net/tcp's state 0A. */
const listening = "0A";

/**
 * The processes that have the port in this network namespace; of TCP, on an address that other hosts can reach. Null: one
 * that this process may not look into. Reads every process's descriptors: for people, not for every packet.
 */
export function portOwners(kind: PortKind, port: number): (PortOwner | null)[] {
  const inodes = new Set([kind, `${kind}6`].flatMap((table) => inodesOf(table, kind, port)));
  if (inodes.size === 0) return [];
  const owners: PortOwner[] = [];
  for (const pid of list("/proc").filter((name) => /^\d+$/.test(name))) {
    const links = list(`/proc/${pid}/fd`).map((each) => link(`/proc/${pid}/fd/${each}`));
    const held = links.flatMap((each) => /^socket:\[(\d+)\]$/.exec(each)?.[1] ?? []);
    if (!held.some((inode) => inodes.has(inode))) continue;
    const name = read(`/proc/${pid}/comm`).trim();
    // Node names its threads; the program is what people know.
    const program = name === "MainThread" ? basename(link(`/proc/${pid}/exe`)) : name;
    owners.push({ pid: Number(pid), name: program });
  }
  return owners.length === 0 ? [null] : owners;
}

/** proc(5): columns 2 (local address, hex), 4 (state) and 10 (inode). */
function inodesOf(table: string, kind: PortKind, port: number): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return read(`/proc/net/${table}`)
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const columns = line.trim().split(/\s+/);
      const [address = ""] = (columns[1] ?? "").split(":");
      const counts = kind === "udp" || (columns[3] === listening && !isLoopback(address));
      const isOurs = columns[1]?.endsWith(wanted) && counts;
      return isOurs && columns[9] !== undefined ? [columns[9]] : [];
    });
}

/** 127.0.0.0/8 and ::1, in words of the host's own order. */
const isLoopback = (hex: string): boolean =>
  hex === "00000000000000000000000001000000" || /^(0{16}F{4}0{4})?[0-9A-F]{6}7F$/.test(hex);

const quietly = <T>(work: () => T, otherwise: T): T => {
  try {
    return work();
  } catch {
    return otherwise; // it ended meanwhile, or is not ours to look into
  }
};
const read = (path: string): string => quietly(() => readFileSync(path, "utf8"), "");
const list = (path: string): string[] => quietly(() => readdirSync(path), []);
const link = (path: string): string => quietly(() => readlinkSync(path), "");
