/**
 * The initramfs archive: "newc" cpio, as the kernel's Documentation/driver-api/early-userspace/
 * buffer-format.rst describes it. Same entries, same bytes: sorted, owned by root, one fixed time.
 */

/** A path inside the archive has no leading slash: `usr/bin/node`. Permissions are the low 12 bits of st_mode. */
export type CpioEntry = { readonly path: string } & (
  | { readonly kind: "file"; readonly permissions: number; readonly data: Uint8Array }
  | { readonly kind: "directory"; readonly permissions: number }
  | { readonly kind: "symlink"; readonly target: string }
  | {
      readonly kind: "character-device";
      readonly permissions: number;
      readonly major: number;
      readonly minor: number;
    }
);

/** All times in the archive, seconds since 1970: 2026-01-01, since a clock of 1970 makes TLS and logs odd. */
const archiveTime = 1_767_225_600;
const headerBytes = 110;
/** Loaders and other tools like whole blocks; the kernel skips the zeros between archives. */
const blockBytes = 512;

const typeBits = {
  file: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  "character-device": 0o020000,
} as const;

/**
 * Writes the archive. Parent directories that have no entry are added (0755). Throws on a path
 * twice, on an absolute one, and on one with `.` or `..` in it: mistakes of the caller.
 */
export function encodeCpio(entries: readonly CpioEntry[]): Uint8Array {
  const sorted = complete(entries);
  const records = sorted.map((entry, index) => encodeEntry(entry, index + 1));
  records.push(record("TRAILER!!!", new Uint8Array(0), { ino: 0, mode: 0, nlink: 1, mtime: 0 }));
  const length = records.reduce((sum, parts) => sum + sumOf(parts), 0);
  const archive = new Uint8Array(padded(length, blockBytes));
  let at = 0;
  for (const parts of records) {
    for (const part of parts) {
      archive.set(part, at);
      at += part.length;
    }
  }
  return archive;
}

function complete(entries: readonly CpioEntry[]): CpioEntry[] {
  const byPath = new Map<string, CpioEntry>();
  for (const entry of entries) {
    const steps = entry.path.split("/");
    if (steps.some((step) => step === "" || step === "." || step === ".."))
      throw new Error(`not a path inside the archive: ${JSON.stringify(entry.path)}`);
    if (byPath.has(entry.path)) throw new Error(`twice in the archive: ${entry.path}`);
    byPath.set(entry.path, entry);
  }
  for (const entry of entries) {
    const steps = entry.path.split("/");
    for (let depth = 1; depth < steps.length; depth++) {
      const parent = steps.slice(0, depth).join("/");
      const known = byPath.get(parent);
      if (known === undefined)
        byPath.set(parent, { path: parent, kind: "directory", permissions: 0o755 });
      else if (known.kind !== "directory")
        throw new Error(`${entry.path} lies below ${parent}, which is no directory`);
    }
  }
  // By code unit, not by locale. A directory sorts before what lies in it, as the kernel needs.
  return [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function encodeEntry(entry: CpioEntry, ino: number): Uint8Array[] {
  const permissions = entry.kind === "symlink" ? 0o777 : entry.permissions;
  const fields: Fields = {
    ino,
    mode: typeBits[entry.kind] | permissions,
    nlink: entry.kind === "directory" ? 2 : 1,
    mtime: archiveTime,
  };
  switch (entry.kind) {
    case "file":
      return record(entry.path, entry.data, fields);
    case "directory":
      return record(entry.path, new Uint8Array(0), fields);
    case "symlink":
      return record(entry.path, new TextEncoder().encode(entry.target), fields);
    case "character-device":
      return record(entry.path, new Uint8Array(0), {
        ...fields,
        rdevmajor: entry.major,
        rdevminor: entry.minor,
      });
  }
}

interface Fields {
  readonly ino: number;
  readonly mode: number;
  readonly nlink: number;
  readonly mtime: number;
  readonly rdevmajor?: number;
  readonly rdevminor?: number;
}

/** Header and name, padded to 4 together; then the data, padded to 4. */
function record(path: string, data: Uint8Array, fields: Fields): Uint8Array[] {
  const name = new TextEncoder().encode(path);
  const head = new Uint8Array(padded(headerBytes + name.length + 1, 4));
  const text = [
    fields.ino,
    fields.mode,
    0, // uid
    0, // gid
    fields.nlink,
    fields.mtime,
    data.length,
    0, // devmajor
    0, // devminor
    fields.rdevmajor ?? 0,
    fields.rdevminor ?? 0,
    name.length + 1,
    0, // check, of the crc variant only
  ];
  new TextEncoder().encodeInto(
    `070701${text.map((value) => value.toString(16).toUpperCase().padStart(8, "0")).join("")}`,
    head,
  );
  head.set(name, headerBytes);
  return [head, data, new Uint8Array(padded(data.length, 4) - data.length)];
}

const padded = (length: number, unit: number): number => Math.ceil(length / unit) * unit;
const sumOf = (parts: readonly Uint8Array[]): number =>
  parts.reduce((sum, part) => sum + part.length, 0);
