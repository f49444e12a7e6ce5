/** SSH: who the PC is to others, and who gets in. */
import { newEd25519HostKey } from "../../../core/node/openssh.ts";
import { withKeys } from "../../../core/personalise/authorized-keys.ts";
import type { HostKey } from "../../../core/wire/personal.ts";
import type { Root } from "../root.ts";
import type { LinuxStep, Outcome } from "./linux.ts";

const folder = "/etc/ssh";

export async function giveHostKeys({ root, personal }: LinuxStep): Promise<Outcome | null> {
  const names = await root.list(folder);
  if (names.length === 0) return null;
  const present = names.filter((name) => name.startsWith("ssh_host_"));
  if (personal.hostKeys !== null) {
    await put(root, personal.hostKeys, present);
    const types = personal.hostKeys.map(({ type }) => type).join(", ");
    return { detail: `those that the server keeps for this PC: ${types}` };
  }
  if (await makesItsOwn(root)) {
    await put(root, [], present);
    return { detail: "the system makes its own when it starts" };
  }
  const comment = `root@${personal.name} (roomcast)`;
  const own = present.includes(`${fileName}.pub`)
    ? await root.read(`${folder}/${fileName}.pub`)
    : null;
  // Made by an earlier run for this very PC: it may be known by it already.
  const key =
    own?.endsWith(` ${comment}\n`) && present.includes(fileName)
      ? { type: "ed25519", privateKey: await text(root, fileName), publicKey: own }
      : newEd25519HostKey(comment);
  await put(root, [key as HostKey], present);
  return { detail: "new, made here: ed25519" };
}

const fileName = "ssh_host_ed25519_key";

const text = async (root: Root, name: string): Promise<string> =>
  (await root.read(`${folder}/${name}`)) ?? "";

/** These, and no others. */
async function put(
  root: Root,
  keys: readonly HostKey[],
  present: readonly string[],
): Promise<void> {
  const wanted = new Map(
    keys.flatMap(({ type, privateKey, publicKey }) => [
      [`ssh_host_${type}_key`, { text: privateKey, mode: 0o600 }],
      [`ssh_host_${type}_key.pub`, { text: publicKey, mode: 0o644 }],
    ]),
  );
  for (const name of present) if (!wanted.has(name)) await root.remove(`${folder}/${name}`);
  for (const [name, { text, mode }] of wanted) {
    const whole = text.endsWith("\n") ? text : `${text}\n`;
    await root.write(`${folder}/${name}`, bytesText(whole), { mode });
  }
}

/** Where systems have the units and scripts that run when they start. */
const unitFolders = [
  "/etc/systemd/system",
  "/usr/lib/systemd/system",
  "/lib/systemd/system",
  "/etc/init.d",
];

/** Red Hat's `sshd-keygen@.service`, Arch's `sshdgenkeys.service`, SUSE's and Alpine's in sshd's own. */
async function makesItsOwn(root: Root): Promise<boolean> {
  for (const units of unitFolders) {
    for (const name of await root.list(units)) {
      if (!/^ssh/.test(name) || (await root.kind(`${units}/${name}`)) !== "file") continue;
      const said = await root.read(`${units}/${name}`);
      if (said !== null && /ssh-?d?-?(?:keygen|gen-?keys)/.test(withoutComments(said))) return true;
    }
  }
  return false;
}

const withoutComments = (script: string): string => script.replace(/^\s*#.*$/gm, "");

/** root's `authorized_keys`, with the administrators' lines added. */
export async function letAdministratorsIn({ root, personal }: LinuxStep): Promise<Outcome | null> {
  const { sshKeys } = personal;
  if (sshKeys.length === 0) return null;
  const passwd = (await root.read("/etc/passwd")) ?? "";
  // passwd(5): name, password, UID, GID, words, home
  const home = /^root:(?:[^:\n]*:){4}(\/[^:\n]*):/m.exec(passwd)?.[1] ?? "/root";
  const file = `${home}/.ssh/authorized_keys`;
  await root.makeFolder(`${home}/.ssh`, 0o700);
  const before = (await root.read(file)) ?? "";
  await root.write(file, withKeys(before, sshKeys.map(bytesText)), { mode: 0o600 });
  return { detail: `${sshKeys.length} of the administrators, in ${file}` };
}

/** UTF-8, a character each byte. */
const bytesText = (words: string): string => Buffer.from(words, "utf8").toString("latin1");
