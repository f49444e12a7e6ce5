/** SSH: who the PC is to others, and who gets in. */
import { newHostKey } from "../../../core/node/openssh.ts";
import { withKeys } from "../../../core/personalise/authorized-keys.ts";
import type { HostKey } from "../../../core/wire/personal.ts";
import { bytesText } from "../bytes-text.ts";
import type { Root } from "../root.ts";
import type { LinuxStep, Outcome } from "./step.ts";

const folder = "/etc/ssh";

export async function giveHostKeys({ root, personal }: LinuxStep): Promise<Outcome | null> {
  const names = await root.list(folder);
  if (names.length === 0) return null;
  const present = names.filter((name) => name.startsWith("ssh_host_"));
  const { types: named, others } = await namedKeys(root);
  const told = (detail: string): Outcome => ({
    detail: [detail, ...others.map((path) => `${path} stays the master's`)].join("; "),
  });
  if (personal.hostKeys !== null) {
    // Its key of RSA is for systems that ask for one: no client of the last ten years needs it.
    const keys = personal.hostKeys.filter(({ type }) => type !== "rsa" || named.includes("rsa"));
    await put(root, keys, present);
    const types = keys.map(({ type }) => type).join(", ");
    return told(`those that the server keeps for this PC: ${types}`);
  }
  if (await makesItsOwn(root)) {
    await put(root, [], present);
    return told("the system makes its own when it starts");
  }
  const comment = `root@${personal.name} (roomcast)`;
  const types = named.length > 0 ? named : (["ed25519"] as const);
  const keys: HostKey[] = [];
  for (const type of types)
    keys.push((await madeBefore(root, type, comment)) ?? (await newHostKey(type, comment)));
  await put(root, keys, present);
  return told(`new, made here: ${types.join(", ")}`);
}

interface NamedKeys {
  /** Of those in their usual files. */
  readonly types: readonly HostKey["type"][];
  /** The paths of others. */
  readonly others: readonly string[];
}

/** The keys that sshd's own settings ask for by the names of their files; none: it takes what is there. */
async function namedKeys(root: Root): Promise<NamedKeys> {
  const further = (await root.list(`${folder}/sshd_config.d`)).filter((name) =>
    name.endsWith(".conf"),
  );
  const types = new Set<HostKey["type"]>();
  const others = new Set<string>();
  for (const file of ["sshd_config", ...further.map((name) => `sshd_config.d/${name}`)]) {
    const said = (await root.read(`${folder}/${file}`)) ?? "";
    // sshd_config(5): keywords in any case, then blanks or `=`; arguments may be quoted.
    for (const [, path = ""] of said.matchAll(/^[ \t]*hostkey[ \t=]+"?([^\s"]+)/gim)) {
      const type = /^\/etc\/ssh\/ssh_host_(ed25519|ecdsa|rsa)_key$/.exec(path)?.[1];
      if (type === undefined) others.add(path);
      else types.add(type as HostKey["type"]);
    }
  }
  return { types: [...types], others: [...others] };
}

/** The key that an earlier run made for this very PC, which may be known by it already. */
async function madeBefore(
  root: Root,
  type: HostKey["type"],
  comment: string,
): Promise<HostKey | null> {
  const path = `${folder}/ssh_host_${type}_key`;
  const privateKey = await root.read(path);
  const publicKey = await root.read(`${path}.pub`);
  if (privateKey === null || !publicKey?.endsWith(` ${comment}\n`)) return null;
  return { type, privateKey, publicKey };
}

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
