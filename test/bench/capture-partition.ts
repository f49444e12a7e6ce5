/** The partition of the benches: an ext4 with files of the host, on old contents or on nothing. */
import { execFileSync } from "node:child_process";
import {
  closeSync,
  copyFileSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

/** Answers the bytes of its files. */
export function makePartition(
  folder: string,
  options: { path: string; bytes: number; filesBytes: number; onJunk: boolean },
): number {
  const { path, bytes, filesBytes, onJunk } = options;
  const files = join(folder, "files");
  mkdirSync(files);
  const copied = copySome("/usr", files, filesBytes);
  const fd = openSync(path, "w");
  if (onJunk) writeJunk(fd, files, bytes);
  else ftruncateSync(fd, bytes);
  closeSync(fd);
  execFileSync("mke2fs", ["-q", "-F", "-t", "ext4", "-E", "nodiscard", "-d", files, path]);
  rmSync(files, { recursive: true });
  return copied;
}

/** What was on the disk before is like what is on it now: files, of which few bytes are zero. */
function writeJunk(fd: number, files: string, bytes: number): void {
  const junk = Buffer.concat(
    readdirSync(files, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .slice(0, 2000)
      .map((entry) => readFileSync(join(entry.parentPath, entry.name))),
    64 << 20,
  );
  for (let at = 0; at < bytes; at += junk.length) {
    writeSync(fd, junk, 0, Math.min(junk.length, bytes - at), at);
  }
}

/** A fraction: a smaller file that would fill the rest is not looked for. */
const nearly = 0.98;

/** Copies files from below `from` until there is nearly enough; never more. */
function copySome(from: string, to: string, enough: number): number {
  let copied = 0;
  let count = 0;
  const walk = (folder: string): void => {
    for (const name of readdirSync(folder).sort()) {
      if (copied >= nearly * enough) return;
      const path = join(folder, name);
      const found = lstatSync(path);
      if (found.isDirectory()) walk(path);
      else if (found.isFile() && copied + found.size <= enough) {
        if (count % 1000 === 0) mkdirSync(join(to, String(count / 1000)));
        copyFileSync(path, join(to, String(Math.floor(count / 1000)), String(count)));
        count++;
        copied += found.size;
      }
    }
  };
  walk(from);
  return copied;
}
