/**
 * A PC's name and address in FreeBSD's rc.conf(5), which is a shell script of assignments. What is not
 * about them stays as it is, byte for byte.
 */
import type { Decoded } from "../../../core/errors.ts";
import { netmaskOf } from "../../../core/units/ipv4.ts";
import type { Personal, PersonalAddress } from "../../../core/wire/personal.ts";

/** One character for each byte. */
export interface RcFile {
  readonly path: string;
  readonly text: string;
}

export interface RcEdit {
  readonly files: readonly RcFile[];
  readonly hostname: string;
  /** Whose address is set, as rc.conf names them: `em0`, `DEFAULT`. */
  readonly interfaces: readonly string[];
}

/**
 * Sets `hostname`, the interfaces' IPv4 addresses and `defaultrouter`: wherever the files have them, for
 * a later file overrules the ones before, else at the end of the first. An interface that is on DHCP
 * already stays as it is if the address is to come from there.
 */
export function editRcConf(
  files: readonly [RcFile, ...RcFile[]],
  { name, domain, address }: Pick<Personal, "name" | "domain" | "address">,
): Decoded<RcEdit> {
  const hostname = domain === null ? name : `${name}.${domain}`;
  const texts = files.map(({ text }) => text);
  const found = texts.flatMap(assignmentsOf);
  const interfaces = new Map<string, string>();
  for (const { name: setting, value } of found) {
    const card = cardOf(setting);
    if (card !== null && isForUs(card, value, address)) interfaces.set(card, value);
  }
  if (interfaces.size === 0) interfaces.set("DEFAULT", "DHCP");
  const wanted = new Map([["hostname", hostname]]);
  let wasStatic = false;
  for (const [card, value] of interfaces) {
    wasStatic ||= !isDhcp(value);
    wanted.set(`ifconfig_${card}`, addressed(value, address));
  }
  const routes = found.some(({ name: setting }) => setting === "defaultrouter");
  if (address.kind === "static" && (address.gateway !== null || routes)) {
    wanted.set("defaultrouter", address.gateway ?? "NO");
  } else if (address.kind === "dhcp" && wasStatic && routes) wanted.set("defaultrouter", "NO");
  for (const [setting, value] of wanted) {
    if (texts.some((text) => isObscure(text, setting))) {
      return { ok: false, reason: `its line ${setting}=… is more than a plain text` };
    }
    assign(texts, setting, value);
  }
  const edited = files.map(({ path }, index) => ({ path, text: texts[index] as string }));
  return { ok: true, value: { files: edited, hostname, interfaces: [...interfaces.keys()] } };
}

interface Assignment {
  readonly name: string;
  readonly value: string;
  /** As in `"`; empty: none. */
  readonly quote: string;
  /** Of the value with its quotes. */
  readonly start: number;
  readonly end: number;
}

/** At the beginning of a line; the value is one word, and nothing is joined to it. */
const assignment =
  /^([ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)=)("[^"\\]*"|'[^']*'|[^\s"'\\;#&|<>()`$]*)(?=[ \t]*(?:$|;|\r|[ \t]#))/gm;

const assignmentsOf = (text: string): Assignment[] =>
  [...text.matchAll(assignment)].map((match) => {
    const [, before = "", name = "", raw = ""] = match;
    const quote = /^["']/.exec(raw)?.[0] ?? "";
    const start = match.index + before.length;
    const value = quote === "" ? raw : raw.slice(1, -1);
    return { name, value, quote, start, end: start + raw.length };
  });

/** The setting is assigned in a way that is not understood. */
function isObscure(text: string, setting: string): boolean {
  const all = text.match(new RegExp(`^[ \\t]*(?:export[ \\t]+)?${setting}=`, "gm"))?.length ?? 0;
  return all !== assignmentsOf(text).filter(({ name }) => name === setting).length;
}

/** Replaces the setting's values in all texts; adds it to the first one when none has it. */
function assign(texts: string[], setting: string, value: string): void {
  let isFound = false;
  texts.forEach((text, index) => {
    let edited = text;
    for (const each of assignmentsOf(text).reverse()) {
      if (each.name !== setting) continue;
      isFound = true;
      if (each.value === value) continue;
      const quote = each.quote === "" ? '"' : each.quote;
      edited = edited.slice(0, each.start) + quote + value + quote + edited.slice(each.end);
    }
    texts[index] = edited;
  });
  // Before the line feeds at the end: they may be there to fill a block.
  if (!isFound)
    texts[0] = `${(texts[0] as string).replace(/\n+$/, "")}\n${setting}="${value}"\n`.replace(
      /^\n/,
      "",
    );
}

/** The interface of `ifconfig_em0` or, of a VLAN, `ifconfig_em0_10`; not of its aliases and IPv6. */
const cardOf = (setting: string): string | null =>
  /^ifconfig_([A-Za-z0-9]+(?:_\d+)?)$/.exec(setting)?.[1] ?? null;

const dhcpWords = new Set(["DHCP", "SYNCDHCP", "NOSYNCDHCP"]);
const isIpv4 = (word: string | undefined): boolean => /^\d+(\.\d+){3}(\/\d+)?$/.test(word ?? "");
const wordsOf = (value: string): string[] => value.split(/\s+/).filter((word) => word !== "");
const isDhcp = (value: string): boolean =>
  wordsOf(value).some((word) => dhcpWords.has(word.toUpperCase()));

/** It has an IPv4 address, and is no loopback; a static address is not for wireless. */
function isForUs(card: string, value: string, { kind }: PersonalAddress): boolean {
  if (/^lo\d/.test(card) || (kind === "static" && /^wlan\d/.test(card))) return false;
  return isDhcp(value) || wordsOf(value).some(isIpv4);
}

/** The interface's value with this address; its other words (`mtu`, `media`, `WPA`) stay. */
function addressed(value: string, address: PersonalAddress): string {
  if (address.kind === "dhcp" && isDhcp(value)) return value;
  const rest: string[] = [];
  const words = wordsOf(value);
  for (let at = 0; at < words.length; at++) {
    const word = words[at] as string;
    if (word === "netmask" || word === "broadcast") at++;
    else if (word !== "inet" && !isIpv4(word) && !dhcpWords.has(word.toUpperCase()))
      rest.push(word);
  }
  if (address.kind === "dhcp") return ["DHCP", ...rest].join(" ");
  return ["inet", address.address, "netmask", netmaskOf(address.prefix), ...rest].join(" ");
}
