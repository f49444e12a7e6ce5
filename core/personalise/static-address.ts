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

const ifaceLine = /^(\s*iface\s+(\S+)\s+inet\s+)(\S+)(.*)$/;
const stanzaLine =
  /^\s*(?:iface|auto|allow-\S+|mapping|source|source-directory|rename|template|no-auto-down|no-scripts)\s/;
/** What the former method had, and what is set anew. */
const replacedOption =
  /^\s*(?:address|netmask|gateway|broadcast|network|pointopoint|hostname|client|vendor|leasetime|leasehours|metric|dns-\S+)\s/;

/** The interface's stanza of interfaces(5), in place. */
export function ifupdownText(text: string, name: string, own: StaticAddress): string {
  const { address, prefix, gateway, dns, domain } = own;
  let isInside = false;
  return text
    .split("\n")
    .flatMap((line) => {
      const found = ifaceLine.exec(line);
      if (stanzaLine.test(line)) isInside = found?.[2] === name;
      if (!isInside) return line;
      if (found === null) return replacedOption.test(line) ? [] : line;
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

const replacedKey = /^\s*(?:dhcp4|dhcp4-overrides|addresses|gateway4|routes|nameservers)\s*:/;

/** The one wired card of a netplan-yaml(5), in place. */
export function netplanText(text: string, own: StaticAddress): Decoded<string> {
  const { address, prefix, gateway, dns, domain } = own;
  const all = text.split("\n");
  const cards = netplanCards(all);
  const [card] = cards?.lines ?? [];
  if (cards === null || card === undefined || cards.lines.length !== 1) {
    return refuse("it does not configure exactly one wired card");
  }
  const isFlow = !/:\s*(?:#.*)?$/.test(all[card] as string);
  if (isFlow || text.includes("\t")) return refuse("it is not written a line for each setting");
  const body = blockFrom(all, card);
  const first = body.find((line) => !isBlank(all[line] as string));
  const indent = first === undefined ? cards.indent + 2 : indentOf(all[first] as string);
  let isReplaced = false;
  const kept = body.filter((line) => {
    const each = all[line] as string;
    // The items of a list may stand as deep as its key.
    const isKey = !isBlank(each) && indentOf(each) === indent && !each.trim().startsWith("- ");
    if (isKey) isReplaced = replacedKey.test(each);
    return !isReplaced;
  });
  const pad = " ".repeat(indent);
  const added = [
    "dhcp4: false",
    `addresses: ["${address}/${prefix}"]`,
    ...(gateway === null ? [] : [`routes: [{to: default, via: "${gateway}"}]`]),
    ...(dns.length === 0 && domain === null ? [] : [`nameservers: {${nameservers(own)}}`]),
  ];
  const before = all.slice(0, card + 1);
  const after = all.slice((body.at(-1) ?? card) + 1);
  const between = kept.map((line) => all[line] as string);
  return {
    ok: true,
    value: [...before, ...between, ...added.map((each) => pad + each), ...after].join("\n"),
  };
}

const nameservers = ({ dns, domain }: StaticAddress): string =>
  [
    ...(dns.length === 0 ? [] : [`addresses: [${dns.map((each) => `"${each}"`).join(", ")}]`]),
    ...(domain === null ? [] : [`search: [${domain}]`]),
  ].join(", ");
