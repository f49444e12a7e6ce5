/** A PC's own address in the words of each network manager of Linux. */
import type { Decoded } from "../errors.ts";
import type { PersonalAddress } from "../wire/personal.ts";

export interface StaticAddress extends Extract<PersonalAddress, { readonly kind: "static" }> {
  /** Names without a dot are looked for in it. */
  readonly domain: string | null;
}

const refuse = (reason: string): Decoded<never> => ({ ok: false, reason });

/** systemd.network(5): a file of its own. */
export function networkdText({
  mac,
  address,
  prefix,
  gateway,
  dns,
  domain,
}: StaticAddress): string {
  return lines(
    ...["[Match]", `MACAddress=${mac}`, "", "[Network]", `Address=${address}/${prefix}`],
    gateway === null ? null : `Gateway=${gateway}`,
    ...dns.map((each) => `DNS=${each}`),
    domain === null ? null : `Domains=${domain}`,
  );
}

/** nm-settings-keyfile(5): a connection of its own, before all others. */
export function networkManagerText(own: StaticAddress): string {
  const { mac, address, prefix, gateway, dns, domain } = own;
  const four = dns.filter((each) => !each.includes(":"));
  const six = dns.filter((each) => each.includes(":"));
  return lines(
    ...["[connection]", "id=roomcast", "type=ethernet", "autoconnect-priority=999", ""],
    ...["[ethernet]", `mac-address=${mac}`, "", "[ipv4]", "method=manual"],
    `address1=${address}/${prefix}${gateway === null ? "" : `,${gateway}`}`,
    four.length === 0 ? null : `dns=${four.join(";")};`,
    domain === null ? null : `dns-search=${domain};`,
    ...["", "[ipv6]", "method=auto"],
    six.length === 0 ? null : `dns=${six.join(";")};`,
  );
}

const lines = (...each: readonly (string | null)[]): string =>
  each
    .filter((line) => line !== null)
    .join("\n")
    .concat("\n");

/** Names of interfaces for which interfaces(5) has an IPv4 address, but for the loopback. */
export const ifupdownNames = (text: string): string[] =>
  text.split("\n").flatMap((line) => {
    const name = ifaceLine.exec(line)?.[2] ?? "lo";
    return name === "lo" ? [] : [name];
  });

/** Addresses of those that interfaces(5) has as static ones. */
export function ifupdownStatics(text: string): string[] {
  let isInside = false;
  return text.split("\n").flatMap((line) => {
    if (stanzaLine.test(line)) isInside = ifaceLine.exec(line)?.[3] === "static";
    const address = isInside ? addressOption.exec(line)?.[1] : undefined;
    return address === undefined ? [] : [address];
  });
}

const addressOption = /^\s*address\s+([\d./]+)/;
const ifaceLine = /^(\s*iface\s+(\S+)\s+inet\s+)(\S+)(.*)$/;
const stanzaLine =
  /^\s*(?:iface|auto|allow-\S+|mapping|source|source-directory|rename|template|no-auto-down|no-scripts)\s/;
/** What the former method had, and what is set anew. */
const replacedOption =
  /^\s*(?:address|netmask|gateway|broadcast|network|pointopoint|hostname|client|vendor|leasetime|leasehours|metric|dns-\S+)\s/;

/** The interface's stanza of interfaces(5), in place; null: by DHCP. */
export function ifupdownText(text: string, name: string, own: StaticAddress | null): string {
  let isInside = false;
  return text
    .split("\n")
    .flatMap((line) => {
      const found = ifaceLine.exec(line);
      if (stanzaLine.test(line)) isInside = found?.[2] === name;
      if (!isInside) return line;
      if (found === null) return replacedOption.test(line) ? [] : line;
      if (own === null) return `${found[1]}dhcp`;
      const { address, prefix, gateway, dns, domain } = own;
      return [
        `${found[1]}static`,
        `    address ${address}/${prefix}`,
        ...(gateway === null ? [] : [`    gateway ${gateway}`]),
        ...(dns.length === 0 ? [] : [`    dns-nameservers ${dns.join(" ")}`]),
        ...(domain === null ? [] : [`    dns-search ${domain}`]),
      ];
    })
    .join("\n");
}

/** resolv.conf(5), where no program writes it. */
export const resolvText = ({ dns, domain }: StaticAddress): string =>
  lines(
    domain === null ? null : `search ${domain}`,
    ...dns.slice(0, 3).map((each) => `nameserver ${each}`),
  );

const indentOf = (line: string): number => line.length - line.trimStart().length;
const isBlank = (line: string): boolean => /^\s*(?:#.*)?$/.test(line);

/** Where the wired cards of a netplan-yaml(5) begin, a line each; null when it has none. */
function netplanCards(text: readonly string[]): { lines: number[]; indent: number } | null {
  const at = text.findIndex((line) => /^\s*ethernets:\s*(?:#.*)?$/.test(line));
  if (at < 0) return null;
  const above = indentOf(text[at] as string);
  const body = blockFrom(text, at);
  const first = body.find((line) => !isBlank(text[line] as string));
  if (first === undefined) return null;
  const indent = indentOf(text[first] as string);
  if (indent <= above) return null;
  const cards = body.filter((line) => {
    const each = text[line] as string;
    return !isBlank(each) && indentOf(each) === indent;
  });
  return { lines: cards, indent };
}

/** Numbers of the lines that are deeper than this one and follow it. */
function blockFrom(text: readonly string[], at: number): number[] {
  const above = indentOf(text[at] as string);
  const found: number[] = [];
  for (let line = at + 1; line < text.length; line++) {
    const each = text[line] as string;
    if (!isBlank(each) && indentOf(each) <= above) break;
    found.push(line);
  }
  // What is blank behind it belongs to nobody.
  while (found.length > 0 && isBlank(text[found.at(-1) as number] as string)) found.pop();
  return found;
}

/** How many wired cards it configures. */
export const netplanCount = (text: string): number =>
  netplanCards(text.split("\n"))?.lines.length ?? 0;

/** The card's lines, each with that of the setting that it belongs to. */
function netplanSettings(all: readonly string[], card: number) {
  const body = blockFrom(all, card);
  const first = body.find((line) => !isBlank(all[line] as string));
  const indent =
    first === undefined ? indentOf(all[card] as string) + 2 : indentOf(all[first] as string);
  let key = "";
  const lines = body.map((at) => {
    const line = all[at] as string;
    // The items of a list may stand as deep as its key.
    if (!isBlank(line) && indentOf(line) === indent && !line.trim().startsWith("- ")) key = line;
    return { line, key };
  });
  return { indent, lines, end: (body.at(-1) ?? card) + 1 };
}

/** IPv4 addresses of the wired cards that take none from DHCP. */
export function netplanStatics(text: string): string[] {
  const all = text.split("\n");
  return (netplanCards(all)?.lines ?? []).flatMap((card) => {
    const { lines } = netplanSettings(all, card);
    if (lines.some(({ line, key }) => line === key && dhcpKey.test(key))) return [];
    const own = lines.filter(({ key }) => addressesKey.test(key));
    return own.flatMap(({ line }) => line.match(/\b\d+(?:\.\d+){3}\/\d+/g) ?? []);
  });
}

const dhcpKey = /^\s*dhcp4\s*:\s*(?:true|yes|on)\b/i;
const addressesKey = /^\s*addresses\s*:/;
const replacedKey = /^\s*(?:dhcp4|dhcp4-overrides|addresses|gateway4|routes|nameservers)\s*:/;

/** The one wired card of a netplan-yaml(5), in place; null: by DHCP. */
export function netplanText(text: string, own: StaticAddress | null): Decoded<string> {
  const all = text.split("\n");
  const cards = netplanCards(all);
  const [card] = cards?.lines ?? [];
  if (cards === null || card === undefined || cards.lines.length !== 1) {
    return refuse("it does not configure exactly one wired card");
  }
  const isFlow = !/:\s*(?:#.*)?$/.test(all[card] as string);
  if (isFlow || text.includes("\t")) return refuse("it is not written a line for each setting");
  const { indent, lines, end } = netplanSettings(all, card);
  const kept = lines.filter(({ key }) => !replacedKey.test(key)).map(({ line }) => line);
  const added = netplanAddress(own).map((each) => " ".repeat(indent) + each);
  return {
    ok: true,
    value: [...all.slice(0, card + 1), ...kept, ...added, ...all.slice(end)].join("\n"),
  };
}

function netplanAddress(own: StaticAddress | null): string[] {
  if (own === null) return ["dhcp4: true"];
  const { address, prefix, gateway, dns, domain } = own;
  return [
    "dhcp4: false",
    `addresses: ["${address}/${prefix}"]`,
    ...(gateway === null ? [] : [`routes: [{to: default, via: "${gateway}"}]`]),
    ...(dns.length === 0 && domain === null ? [] : [`nameservers: {${nameservers(own)}}`]),
  ];
}

const nameservers = ({ dns, domain }: StaticAddress): string =>
  [
    ...(dns.length === 0 ? [] : [`addresses: [${dns.map((each) => `"${each}"`).join(", ")}]`]),
    ...(domain === null ? [] : [`search: [${domain}]`]),
  ].join(", ");
