/**
 * Whether the host's firewall lets through what PCs send. Reads nftables' rule set and iptables' rules, and
 * follows them as the kernel would for one packet of each kind. What a rule asks that is not known here
 * (a set, a mark, a time) counts as not fulfilled, and is said.
 */

/** A packet that a PC sends to the server. */
export interface Passing {
  readonly interfaceName: string;
  readonly protocol: "udp" | "tcp";
  readonly port: number;
}

/** `unsure`: a rule that could not be read stood before the verdict. */
export interface Verdict {
  readonly passes: boolean;
  readonly isUnsure: boolean;
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

interface NftChain {
  readonly table: string;
  readonly name: string;
  readonly hook: string | null;
  readonly policy: string;
  readonly rules: (readonly Json[])[];
}

/** What `nft -j list ruleset` printed; tables that iptables keeps in nftables are left to `iptables -S`. */
export function nftVerdict(ruleset: Json, passing: Passing): Verdict {
  const chains = new Map<string, NftChain>();
  for (const entry of asList(field(ruleset, "nftables"))) {
    const chain = field(entry, "chain");
    if (chain !== null) {
      const table = `${text(chain, "family")} ${text(chain, "table")}`;
      const name = text(chain, "name");
      const hook = field(chain, "hook") === null ? null : text(chain, "hook");
      const policy = text(chain, "policy");
      chains.set(`${table} ${name}`, { table, name, hook, policy, rules: [] });
    }
    const rule = field(entry, "rule");
    if (rule === null) continue;
    const key = `${text(rule, "family")} ${text(rule, "table")} ${text(rule, "chain")}`;
    chains.get(key)?.rules.push(asList(field(rule, "expr")));
  }
  let isUnsure = false;
  const follow = (chain: NftChain, depth: number): "accept" | "drop" | "return" => {
    for (const rule of chain.rules) {
      let matches = true;
      for (const step of rule) {
        const outcome = nftStep(step, passing);
        if (outcome === "unknown") isUnsure = true;
        if (outcome === "no" || outcome === "unknown") {
          matches = false;
          break;
        }
        if (outcome === "accept" || outcome === "drop" || outcome === "return") return outcome;
        if (typeof outcome === "object") {
          const target = chains.get(`${chain.table} ${outcome.chain}`);
          const answer = target === undefined || depth > 16 ? "return" : follow(target, depth + 1);
          if (answer !== "return") return answer;
          if (outcome.isFinal) return "return";
        }
      }
      if (!matches) continue;
    }
    return "return";
  };
  // Every base chain of the hook has to let it pass.
  const passes = [...chains.values()]
    .filter(({ hook, table }) => hook === "input" && /^(ip|inet) /.test(table))
    .every((chain) => {
      const answer = follow(chain, 0);
      return answer === "return" ? chain.policy !== "drop" : answer === "accept";
    });
  return { passes, isUnsure };
}

type Step =
  | "yes"
  | "no"
  | "unknown"
  | "accept"
  | "drop"
  | "return"
  | { readonly chain: string; readonly isFinal: boolean };

function nftStep(step: Json, { interfaceName, protocol, port }: Passing): Step {
  const [name = ""] = typeof step === "object" && step !== null ? Object.keys(step) : [];
  if (name === "accept") return "accept";
  if (name === "drop" || name === "reject") return "drop";
  if (name === "return") return "return";
  if (name === "jump" || name === "goto")
    return { chain: text(field(step, name), "target"), isFinal: name === "goto" };
  if (name === "counter" || name === "log" || name === "limit") return "yes";
  if (name !== "match") return "unknown";
  const match = field(step, "match");
  const left = field(match, "left");
  const meta = field(left, "meta") === null ? null : text(field(left, "meta"), "key");
  const payload = field(left, "payload");
  let value: string | number | null = null;
  if (meta === "iifname" || meta === "iif") value = interfaceName;
  else if (meta === "l4proto") value = protocol;
  else if (meta === "nfproto") value = "ipv4";
  else if (field(left, "ct") !== null && text(field(left, "ct"), "key") === "state") value = "new";
  else if (payload !== null && text(payload, "field") === "dport") {
    const layer = text(payload, "protocol");
    if (layer !== "th" && layer !== protocol) return "no";
    value = port;
  } else if (payload !== null && text(payload, "protocol") === "ip") {
    if (text(payload, "field") !== "protocol") return "unknown";
    value = protocol;
  } else if (payload !== null) return "no"; // another protocol's field
  if (value === null) return "unknown";
  const holds = isAmong(value, field(match, "right"));
  return holds === (text(match, "op") !== "!=") ? "yes" : "no";
}

function isAmong(value: string | number, right: Json): boolean {
  if (Array.isArray(right)) return right.some((each) => isAmong(value, each));
  const set = field(right, "set");
  if (set !== null) return asList(set).some((each) => isAmong(value, each));
  const range = asList(field(right, "range"));
  if (range.length === 2)
    return Number(range[0]) <= Number(value) && Number(value) <= Number(range[1]);
  if (typeof right === "string" && right.endsWith("*"))
    return String(value).startsWith(right.slice(0, -1));
  return right === value || right === String(value);
}

const field = (value: Json, name: string): Json =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? ((value as { readonly [name: string]: Json })[name] ?? null)
    : null;
const text = (value: Json, name: string): string => String(field(value, name) ?? "");
const asList = (value: Json): readonly Json[] => (Array.isArray(value) ? value : []);

/** What `iptables -S` printed. */
export function iptablesVerdict(rules: string, passing: Passing): Verdict {
  const chains = new Map<string, string[][]>();
  const policies = new Map<string, string>();
  for (const line of rules.split("\n")) {
    const words = line.trim().split(/\s+/);
    const [verb, chain = ""] = words;
    if (verb === "-P") policies.set(chain, words[2] ?? "ACCEPT");
    if (verb === "-A") chains.set(chain, [...(chains.get(chain) ?? []), words.slice(2)]);
  }
  let isUnsure = false;
  const follow = (chain: string, depth: number): string => {
    for (const words of chains.get(chain) ?? []) {
      const rule = iptablesRule(words, passing);
      if (rule === "unknown") isUnsure = true;
      if (rule === "no" || rule === "unknown") continue;
      if (["ACCEPT", "DROP", "REJECT", "RETURN"].includes(rule.target)) return rule.target;
      if (!chains.has(rule.target)) continue; // LOG and its like
      const answer = depth > 16 ? "RETURN" : follow(rule.target, depth + 1);
      if (answer !== "RETURN") return answer;
    }
    return "RETURN";
  };
  const answer = follow("INPUT", 0);
  const last = answer === "RETURN" ? (policies.get("INPUT") ?? "ACCEPT") : answer;
  return { passes: last === "ACCEPT", isUnsure };
}

function iptablesRule(
  words: readonly string[],
  { interfaceName, protocol, port }: Passing,
): "no" | "unknown" | { readonly target: string } {
  let target = "";
  let isNot = false;
  let matches = true;
  const expect = (holds: boolean): void => {
    if (holds === isNot) matches = false;
    isNot = false;
  };
  for (let index = 0; index < words.length; index++) {
    const value = words[index + 1] ?? "";
    const word = words[index];
    if (word === "!") {
      isNot = true;
      continue;
    }
    if (word === "-j" || word === "-g") target = value;
    else if (word === "-i")
      expect(
        value.endsWith("+")
          ? interfaceName.startsWith(value.slice(0, -1))
          : value === interfaceName,
      );
    else if (word === "-p") expect(value === protocol || value === "all");
    else if (word === "--dport" || word === "--dports") expect(portsHold(value, port));
    else if (word === "--ctstate" || word === "--state") expect(value.split(",").includes("NEW"));
    else if (word === "-m" || word === "--reject-with" || word?.startsWith("--log")) isNot = false;
    // What belongs to the target alone.
    else if (target === "") return "unknown";
    index++;
  }
  if (!matches) return "no";
  return { target };
}

const portsHold = (list: string, port: number): boolean =>
  list.split(",").some((part) => {
    const [first = "", last = first] = part.split(":");
    return Number(first) <= port && port <= Number(last);
  });
