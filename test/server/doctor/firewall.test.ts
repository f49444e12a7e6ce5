import assert from "node:assert/strict";
import { test } from "node:test";
import { iptablesVerdict, nftVerdict } from "../../../server/doctor/firewall.ts";

const dhcp = { interfaceName: "lab0", protocol: "udp", port: 67 } as const;
const http = { interfaceName: "lab0", protocol: "tcp", port: 8080 } as const;

const passes = (rules: readonly string[], passing: typeof dhcp | typeof http = dhcp) =>
  iptablesVerdict(rules.join("\n"), passing);

test("iptables: the policy, rules in order, chains of one's own", () => {
  assert.equal(passes(["-P INPUT ACCEPT"]).passes, true);
  assert.equal(passes(["-P INPUT DROP"]).passes, false);
  assert.equal(passes([]).passes, true);
  const rules = [
    "-P INPUT DROP",
    "-N lab",
    "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "-A INPUT -i lo -j ACCEPT",
    "-A INPUT -i lab+ -j lab",
    "-A lab -p udp -m multiport --dports 67:69,4011 -j ACCEPT",
    "-A lab -p udp -m udp --dport 53 -j ACCEPT",
  ];
  assert.equal(passes(rules).passes, true);
  assert.equal(passes(rules, http).passes, false);
  assert.equal(iptablesVerdict(rules.join("\n"), { ...dhcp, interfaceName: "eth7" }).passes, false);
  assert.equal(
    passes(["-P INPUT ACCEPT", "-A INPUT ! -i lo -p udp -j REJECT --reject-with icmp-port"]).passes,
    false,
  );
  assert.equal(
    passes(["-P INPUT ACCEPT", "-A INPUT -p tcp --dport 1:1024 -j DROP"], http).passes,
    true,
  );
});

test("iptables: a rule that is not understood is passed over, and said", () => {
  const rules = ["-P INPUT DROP", "-A INPUT -m set --match-set lab src -j ACCEPT"];
  assert.deepEqual(passes(rules), { passes: false, isUnsure: true });
});

/** As nft 1.0.6 prints a table `inet filter` with one chain at the hook input, and another. */
const nft = (policy: string, rules: readonly unknown[][], more: readonly unknown[][] = []) => ({
  nftables: [
    { metainfo: { version: "1.0.6" } },
    { table: { family: "inet", name: "filter", handle: 1 } },
    {
      chain: {
        ...{ family: "inet", table: "filter", name: "input", handle: 1, type: "filter" },
        ...{ hook: "input", prio: 0, policy },
      },
    },
    { chain: { family: "inet", table: "filter", name: "lab", handle: 2 } },
    ...rules.map((expr) => ({ rule: { family: "inet", table: "filter", chain: "input", expr } })),
    ...more.map((expr) => ({ rule: { family: "inet", table: "filter", chain: "lab", expr } })),
  ],
});
const verdict = (ruleset: unknown, passing: typeof dhcp | typeof http = dhcp) =>
  nftVerdict(ruleset as never, passing);
const match = (left: unknown, right: unknown, op = "==") => ({ match: { op, left, right } });
const port = (protocol: string) => ({ payload: { protocol, field: "dport" } });
const meta = (key: string) => ({ meta: { key } });

test("nftables: policy, sets, ranges, jumps", () => {
  assert.equal(verdict({ nftables: [] }).passes, true);
  assert.equal(verdict(nft("accept", [])).passes, true);
  assert.equal(verdict(nft("drop", [])).passes, false);
  const established = [
    match({ ct: { key: "state" } }, ["established", "related"], "in"),
    { accept: null },
  ];
  const opened = [match(port("udp"), { set: [53, { range: [67, 69] }] }), { accept: null }];
  assert.equal(verdict(nft("drop", [established, opened])).passes, true);
  assert.equal(verdict(nft("drop", [established, opened]), http).passes, false);
  const jump = [match(meta("iifname"), "lab0"), { counter: {} }, { jump: { target: "lab" } }];
  assert.equal(verdict(nft("drop", [jump], [[{ accept: null }]])).passes, true);
  assert.equal(verdict(nft("accept", [jump], [[{ drop: null }]])).passes, false);
  assert.equal(
    verdict(nft("accept", [jump], [[match(port("tcp"), 67), { drop: null }]])).passes,
    true,
  );
  const elsewhere = [match(meta("iifname"), "lab0", "!="), { reject: null }];
  assert.equal(verdict(nft("accept", [elsewhere])).passes, true);
});

test("nftables: what is not understood is said; a chain of another hook does not matter", () => {
  const marked = [match(meta("mark"), 5), { accept: null }];
  assert.deepEqual(verdict(nft("drop", [marked])), { passes: false, isUnsure: true });
  const forward = nft("drop", []);
  (forward.nftables[2] as { chain: { hook: string } }).chain.hook = "forward";
  assert.equal(verdict(forward).passes, true);
});

test("chains that jump to each other do not run for ever", () => {
  const loop = [{ jump: { target: "lab" } }];
  assert.equal(verdict(nft("accept", [loop], [loop])).passes, true);
  assert.equal(passes(["-P INPUT DROP", "-N a", "-A INPUT -j a", "-A a -j a"]).passes, false);
});
