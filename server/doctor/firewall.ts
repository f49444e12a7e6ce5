/**
 * The firewall's rule sets that could drop what PCs send. Whether they do cannot be tried from the host itself:
 * what it sends to an address of its own comes in by `lo`, and so passes other rules than a PC's packet.
 */
import type { PortKind } from "../host/port-owner.ts";

/** Rules on the way into the host. */
export interface RuleSet {
  /** In words: `nftables inet filter input (policy drop)`. */
  readonly name: string;
  /** The command after which it lets the ports in. */
  readonly open: string;
}

/** Where PCs send to. */
export interface Entrance {
  readonly interfaceName: string;
  readonly ports: readonly { readonly kind: PortKind; readonly port: number }[];
}

interface NftChain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly type?: string;
  readonly hook?: string;
  readonly policy?: string;
}
interface NftRule {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
}
type NftEntry = { readonly chain?: NftChain; readonly rule?: NftRule };

/**
 * Of `nft -j list ruleset` and `iptables -S INPUT`, each as it was printed or null: the chains that every packet
 * to the host passes, if they have rules or drop what no rule names.
 */
export function inputRuleSets(
  { nft, iptables }: { readonly nft: string | null; readonly iptables: string | null },
  entrance: Entrance,
): RuleSet[] {
  const entries = nft === null ? [] : (JSON.parse(nft) as { nftables: NftEntry[] }).nftables;
  const rules = entries.flatMap(({ rule }) => rule ?? []);
  const found = entries
    .flatMap(({ chain }) => chain ?? [])
    .filter(({ hook, type, family }) => hook === "input" && type === "filter" && family !== "ip6")
    .filter(
      ({ family, table, name, policy }) =>
        policy === "drop" ||
        rules.some((rule) => rule.family === family && rule.table === table && rule.chain === name),
    )
    .map(({ family, table, name, policy = "accept" }) => ({
      name: `nftables ${family} ${table} ${name} (policy ${policy})`,
      open: nftOpen(`${family} ${table} ${name}`, entrance),
    }));
  // iptables that keeps its rules in nftables was read there.
  const isInNft = entries.some(
    ({ chain }) => `${chain?.family} ${chain?.table} ${chain?.name}` === "ip filter INPUT",
  );
  const policy = /^-P INPUT (\S+)/m.exec(iptables ?? "")?.[1] ?? "ACCEPT";
  if (isInNft || iptables === null || (policy === "ACCEPT" && !/^-A INPUT /m.test(iptables)))
    return found;
  const name = `iptables INPUT (policy ${policy})`;
  return [...found, { name, open: iptablesOpen(entrance) }];
}

const nftOpen = (chain: string, { interfaceName, ports }: Entrance): string => {
  const numbers = ports.map(({ port }) => port).join(", ");
  return `nft insert rule ${chain} iifname ${interfaceName} meta l4proto '{ tcp, udp }' th dport '{ ${numbers} }' accept`;
};

const iptablesOpen = ({ interfaceName, ports }: Entrance): string =>
  (["udp", "tcp"] as const)
    .map((kind) => {
      const numbers = ports.filter((each) => each.kind === kind).map(({ port }) => port);
      return `iptables -I INPUT -i ${interfaceName} -p ${kind} -m multiport --dports ${numbers.join(",")} -j ACCEPT`;
    })
    .join("; ");
