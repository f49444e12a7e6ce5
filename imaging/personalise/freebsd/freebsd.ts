/**
 * Makes a FreeBSD on UFS2 one PC's own. No Linux writes UFS2: its settings are rewritten in the blocks
 * that they have, and what would need another block, or another entry in a directory, is left and said.
 */
import { errorText } from "../../../core/errors.ts";
import { refusalToWrite } from "../../../core/image/ufs-rewrite.ts";
import { type Superblock, ufsSuperblock } from "../../../core/image/ufs-superblock.ts";
import { hexSha256 } from "../../../core/node/hash.ts";
import { withKeys } from "../../../core/personalise/authorized-keys.ts";
import type { HostKey, Personal } from "../../../core/wire/personal.ts";
import { openDisk, sourceOf } from "../../disk/disk.ts";
import { bytesText } from "../bytes-text.ts";
import type { Personalise, SystemOptions, Volume } from "../system.ts";
import { editRcConf, type RcFile } from "./rc-conf.ts";
import { Left, UfsVolume } from "./ufs-volume.ts";

/** A FreeBSD has both, a NetBSD the first alone. */
const marks = ["/etc/defaults/rc.conf", "/boot/defaults/loader.conf"];
const rcConf = "/etc/rc.conf";
/** What rc(8) reads after `rc.conf`, and so what overrules it. */
const laterRcFiles = [
  "/etc/rc.conf.local",
  ...["hostname", "netif", "network", "routing"].map((name) => `/etc/rc.conf.d/${name}`),
];
const authorizedKeys = "/root/.ssh/authorized_keys";
const keyFolder = "/etc/ssh";
const keyTypes = ["dsa", "ecdsa", "ed25519", "rsa"];
/** Characters of a step's detail. */
const detailLimit = 2048;

/** FreeBSD's host name and address, host id, SSH host keys and administrators' keys. */
export const personaliseFreeBsd: Personalise = async (volume, options) => {
  if (volume.fs !== "ufs") return false;
  const found = await lookAt(volume);
  if (found === null) return false;
  if ("result" in found) {
    const name = stepName(volume, nameAndAddress);
    options.said({ name, files: [], ...found });
  } else await personalise(volume, found, options);
  return true;
};

type Refusal = { readonly result: "left" | "failed"; readonly detail: string };

/** Of a FreeBSD that can be written, or why it cannot; null: there is none. */
async function lookAt({ device }: Volume): Promise<Superblock | Refusal | null> {
  await using disk = await openDisk(device, { write: false });
  const superblock = await ufsSuperblock(sourceOf(disk));
  if (!superblock.ok) {
    return { result: "left", detail: `${superblock.reason}: only UFS2 is written. ${byDhcp}` };
  }
  const ufs = new UfsVolume(disk, superblock.value);
  try {
    for (const mark of marks) if (!(await ufs.has(mark))) return null;
  } catch (error) {
    if (!(error instanceof Left)) throw error;
    return { result: "failed", detail: `${error.message}; run fsck_ufs on the master` };
  }
  if (!superblock.value.isClean) {
    const detail =
      "its file system was not unmounted cleanly, and so is not written: shut the master down, or run fsck_ufs on it, and capture it again";
    return { result: "failed", detail };
  }
  const refusal = refusalToWrite(superblock.value);
  return refusal === null ? superblock.value : { result: "left", detail: `${refusal}. ${byDhcp}` };
}

const byDhcp =
  "The PC still gets its name (option 12) and its address from DHCP, if FreeBSD asks there.";

type Work = (ufs: UfsVolume, personal: Personal) => Promise<string>;

const nameAndAddress = "name and address";
const works: readonly (readonly [name: string, work: Work])[] = [
  [nameAndAddress, setNameAndAddress],
  ["host id", setHostId],
  ["SSH host keys", setHostKeys],
  ["administrators' SSH keys", addAuthorizedKeys],
];

const stepName = ({ name }: Volume, what: string): string => `FreeBSD on ${name}: ${what}`;

async function personalise(
  volume: Volume,
  superblock: Superblock,
  options: SystemOptions,
): Promise<void> {
  const { personal, signal, said } = options;
  await using disk = await openDisk(volume.device, { write: true });
  for (const [what, work] of works) {
    signal.throwIfAborted();
    if (work === addAuthorizedKeys && personal.sshKeys.length === 0) continue;
    const ufs = new UfsVolume(disk, superblock);
    const name = stepName(volume, what);
    const say = (result: "done" | "left" | "failed", detail: string): void =>
      said({
        name,
        result,
        detail: detail.slice(0, detailLimit),
        files: [...new Set(ufs.changed)],
      });
    try {
      say("done", await work(ufs, personal));
    } catch (error) {
      say(error instanceof Left ? "left" : "failed", errorText(error));
    }
  }
}

async function setNameAndAddress(ufs: UfsVolume, personal: Personal): Promise<string> {
  try {
    const first = await ufs.text(rcConf);
    if (first === null) throw new Left(`${rcConf} is not there`);
    const later: RcFile[] = [];
    for (const path of laterRcFiles) {
      const text = await ufs.text(path);
      if (text !== null) later.push({ path, text });
    }
    const edit = editRcConf([{ path: rcConf, text: first }, ...later], personal);
    if (!edit.ok) throw new Left(`${rcConf}: ${edit.reason}`);
    const { files, hostname, interfaces } = edit.value;
    for (const { path, text } of files) await ufs.rewrite(path, text);
    await setResolver(ufs, personal);
    const { address } = personal;
    const from = address.kind === "dhcp" ? "DHCP" : `${address.address}/${address.prefix}`;
    return `${hostname}, ${interfaces.join(" and ")} on ${from}`;
  } catch (error) {
    if (!(error instanceof Left)) throw error;
    throw new Left(`${error.message}. ${byDhcp}`);
  }
}

async function setResolver(ufs: UfsVolume, { address }: Personal): Promise<void> {
  if (address.kind === "dhcp" || address.dns.length === 0) return;
  const path = "/etc/resolv.conf";
  const text = await ufs.text(path);
  if (text === null) throw new Left(`${path} is not there: DNS is not set`);
  const others = text.split("\n").filter((line) => !/^\s*nameserver\s/.test(line));
  const servers = address.dns.map((server) => `nameserver ${server}`);
  await ufs.rewrite(path, `${[...trimEnd(others), ...servers].join("\n")}\n`);
}

function trimEnd(lines: readonly string[]): readonly string[] {
  return lines.slice(0, lines.findLastIndex((line) => line !== "") + 1);
}

/** The same one for the same name in the same room, at each restore. */
async function setHostId(ufs: UfsVolume, { room, name, domain }: Personal): Promise<string> {
  const digits = hexSha256(JSON.stringify(["FreeBSD host id", room, name, domain]));
  // RFC 9562: version 8, variant 10.
  const uuid = `${digits.slice(0, 8)}-${digits.slice(8, 12)}-8${digits.slice(13, 16)}-a${digits.slice(17, 20)}-${digits.slice(20, 32)}`;
  let isThere = false;
  for (const [path, text] of [
    ["/etc/hostid", uuid],
    ["/etc/machine-id", uuid.replaceAll("-", "")],
  ] as const) {
    if ((await ufs.text(path)) === null) continue;
    isThere = true;
    await ufs.rewrite(path, `${text}\n`);
  }
  return isThere ? uuid : "the master has none: FreeBSD takes the PC's own at its first start";
}

async function setHostKeys(ufs: UfsVolume, { hostKeys }: Personal): Promise<string> {
  const kept = new Map<string, HostKey>(hostKeys?.map((key) => [key.type, key]));
  const own: string[] = [];
  const fresh: string[] = [];
  for (const type of keyTypes) {
    const name = `ssh_host_${type}_key`;
    const isThere = await ufs.has(`${keyFolder}/${name}`);
    const key = kept.get(type);
    if (isThere && key !== undefined) {
      await ufs.rewrite(`${keyFolder}/${name}`, key.privateKey);
      if (await ufs.has(`${keyFolder}/${name}.pub`)) {
        await ufs.rewrite(`${keyFolder}/${name}.pub`, key.publicKey);
      }
      own.push(type);
    } else {
      if (isThere) await retire(ufs, name);
      if (isThere || key !== undefined) fresh.push(type);
    }
  }
  return [
    ...(own.length > 0 ? [`${own.join(", ")}: the PC's own`] : []),
    ...(fresh.length > 0 ? [`${fresh.join(", ")}: FreeBSD makes new ones at its first start`] : []),
    ...(own.length + fresh.length === 0 ? ["the master has none"] : []),
  ].join("; ");
}

/** FreeBSD makes a key that is missing; the master's stays under a name that nothing looks for. */
async function retire(ufs: UfsVolume, name: string): Promise<void> {
  for (const prefix of ["old", "ol2", "ol3", "ol4", "ol5", "ol6", "ol7", "ol8", "ol9"]) {
    const to = name.replace(/^ssh/, prefix);
    if (!(await ufs.has(`${keyFolder}/${to}`))) {
      await ufs.rename(keyFolder, { from: name, to });
      return;
    }
  }
  throw new Left(`${keyFolder} has nine former keys beside ${name}: remove them on the master`);
}

async function addAuthorizedKeys(ufs: UfsVolume, { sshKeys }: Personal): Promise<string> {
  const text = await ufs.text(authorizedKeys);
  if (text === null) throw new Left(`${authorizedKeys} is not there, and no file can be added`);
  // Line feeds at the end fill a fragment.
  const lines = trimEnd(text.split("\n")).join("\n");
  await ufs.rewrite(authorizedKeys, withKeys(lines, sshKeys.map(bytesText)));
  return `${sshKeys.length} in ${authorizedKeys}`;
}
