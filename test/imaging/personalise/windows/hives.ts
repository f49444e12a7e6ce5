/** Hives for the tests, made by hivexsh from an empty one, and read by `reged`. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tool } from "../../capture/disks.ts";

/** Of each key by its path (`ControlSet001\Control`), its values as hivexsh takes them. */
export type HiveKeys = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** One bin with a root key and its security, as small as a hive can be. */
function emptyHive(): Buffer {
  const hive = Buffer.alloc(8192);
  const cells = hive.subarray(4096);
  hive.write("regf");
  const head = [1, 1, 0, 0, 1, 5, 0, 1, 32, 4096, 1];
  for (const [index, number] of head.entries()) hive.writeUInt32LE(number, 4 + index * 4);
  cells.write("hbin");
  cells.writeUInt32LE(4096, 8);
  // The root: its parent, its lists and its class are nowhere; its security is the next cell.
  cells.writeInt32LE(-88, 32);
  cells.write("nk", 36);
  cells.writeUInt16LE(0x2c, 38);
  for (const at of [16, 28, 32, 40, 48]) cells.writeUInt32LE(0xffffffff, 36 + at);
  cells.writeUInt32LE(120, 36 + 44);
  cells.writeUInt16LE(4, 36 + 72);
  cells.write("ROOT", 36 + 76);
  cells.writeInt32LE(-48, 120);
  cells.write("sk", 124);
  for (const [at, number] of [
    [4, 120],
    [8, 120],
    [12, 1],
    [16, 20],
  ] as const)
    cells.writeUInt32LE(number, 124 + at);
  // An empty descriptor, relative to itself.
  cells.writeUInt32LE(0x80000001, 124 + 20);
  cells.writeInt32LE(4096 - 168, 168);
  return seal(hive);
}

/** Sets the checksum of the base block right. */
export function seal(hive: Buffer): Buffer {
  let sum = 0;
  for (let at = 0; at < 508; at += 4) sum ^= hive.readUInt32LE(at);
  hive.writeUInt32LE(sum >>> 0, 508);
  return hive;
}

export function makeHive(keys: HiveKeys): Buffer {
  return inHive(emptyHive(), (path, run) => {
    const made = new Set<string>();
    const script = Object.entries(keys).flatMap(([path, values]) => {
      const names = path.split("\\");
      const adding = names.flatMap((name, index) => {
        const at = names.slice(0, index);
        const whole = [...at, name].join("\\");
        if (made.has(whole)) return [];
        made.add(whole);
        return [at.length === 0 ? "cd \\ " : `cd \\${at.join("\\")}`, `add ${name}`];
      });
      const lines = Object.entries(values).flat();
      return [...adding, `cd \\${path}`, `setval ${lines.length / 2}`, ...lines];
    });
    run([...script, "commit"]);
    return readFileSync(path);
  });
}

/** What `reged`, which is no part of libhivex, exports of a key and all below it: lines of a .reg file. */
export function exported(hive: Uint8Array, key: string): string {
  return inHive(hive, (path) => {
    tool("reged", ["-x", path, "HKEY_LOCAL_MACHINE\\SYSTEM", key, `${path}.reg`]);
    return readFileSync(`${path}.reg`, "latin1").replaceAll("\r", "");
  });
}

function inHive<T>(
  hive: Uint8Array,
  work: (path: string, run: (script: readonly string[]) => void) => T,
): T {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-hive-"));
  const path = join(folder, "hive");
  try {
    writeFileSync(path, hive);
    return work(path, (script) => {
      writeFileSync(`${path}.script`, `${script.join("\n")}\n`);
      tool("hivexsh", ["-w", "-f", `${path}.script`, path]);
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
