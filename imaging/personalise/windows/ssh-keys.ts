/** The administrators' SSH keys, where OpenSSH's server of a Windows takes them from. */
import { join } from "node:path";
import { withKeys } from "../../../core/personalise/authorized-keys.ts";
import { bytesText } from "../bytes-text.ts";
import { asWindows, contentOf, find } from "./ntfs.ts";
import { type Changed, type Done, done, left } from "./steps.ts";
import { closeFile, expectedOf, putFile } from "./write.ts";

const folder = ["ProgramData", "ssh"] as const;
const fileName = "administrators_authorized_keys";
/** Windows' own feature, and where Microsoft's package of it puts itself. */
const servers = [
  ["Windows", "System32", "OpenSSH", "sshd.exe"],
  ["Program Files", "OpenSSH", "sshd.exe"],
] as const;
/** A file of keys, or settings, of more than this is none. */
const limitBytes = 1 << 20;

/**
 * Adds the keys to `administrators_authorized_keys`. The server looks at it for members of the administrators' group,
 * if nobody but they and the system can write to it (Microsoft, "Key-based authentication in OpenSSH for Windows").
 */
export async function putSshKeys(
  root: string,
  sshKeys: readonly string[],
  changed: Changed,
): Promise<Done> {
  if (sshKeys.length === 0) return null;
  const within = await find(root, ...folder);
  if (within === null) return left((await hasServer(root)) ? neverStarted : noServer);
  const settings = await textOf(root, "sshd_config");
  if (settings !== null && !namesFile.test(settings)) return left(notNamed);
  const path = (await find(within, fileName)) ?? join(within, fileName);
  const before = await textOf(root, fileName);
  if (before === null && (await find(within, fileName)) !== null) return left(unreadable);
  const content = Buffer.from(withKeys(before ?? "", sshKeys.map(bytesText)), "latin1");
  if (await putFile(path, expectedOf(content), () => [content])) changed(asWindows(root, path));
  // What has the keys already may be open to others, and would not be looked at.
  else await closeFile(path);
  return done(`${sshKeys.length} in ${asWindows(root, path)}`);
}

/** One character for each byte; null: there is none, or it is no text that OpenSSH reads. */
async function textOf(root: string, file: string): Promise<string | null> {
  const content = await contentOf(root, [...folder, file], limitBytes);
  // What PowerShell's `>` makes is UTF-16.
  return content === null || content.includes(0) ? null : Buffer.from(content).toString("latin1");
}

async function hasServer(root: string): Promise<boolean> {
  for (const server of servers) if ((await find(root, ...server)) !== null) return true;
  return false;
}

/** As Windows' own `sshd_config` has it, in the block of the administrators. */
const namesFile = /^\s*AuthorizedKeysFile\s.*administrators_authorized_keys/im;

const noServer = "the image has no OpenSSH server to take them; add Windows' feature on the master";
const neverStarted =
  "OpenSSH's server was never started on the master, and so has no folder: start it there once, and capture again";
const notNamed =
  "the image's `sshd_config` names no `administrators_authorized_keys`: keys in it would not be looked at";
const unreadable =
  "the image's `administrators_authorized_keys` is no text that OpenSSH reads (UTF-16, perhaps): mend it on the master";
