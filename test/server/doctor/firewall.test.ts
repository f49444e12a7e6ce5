import assert from "node:assert/strict";
import { test } from "node:test";
import { inputRuleSets } from "../../../server/doctor/firewall.ts";

const entrance = {
  interfaceName: "lab0",
  ports: [
    { kind: "udp", port: 67 },
    { kind: "udp", port: 69 },
    { kind: "tcp", port: 8080 },
  ],
} as const;

/** As nft 1.0.6 prints it. */
const chain = (more: object) => ({
  chain: { family: "inet", table: "wall", name: "input", handle: 1, ...more },
});
const rule = { rule: { family: "inet", table: "wall", chain: "input", expr: [{ accept: null }] } };
const input = { type: "filter", hook: "input", prio: 0, policy: "accept" };
const names = (nftables: object[] | null, iptables: string | null = null) => {
  const nft = nftables === null ? null : JSON.stringify({ nftables });
  return inputRuleSets({ nft, iptables }, entrance).map(({ name }) => name);
};

test("nftables: chains at the hook input count if they have rules or drop the rest", () => {
  assert.deepEqual(names([]), []);
  assert.deepEqual(names([chain(input)]), []);
  assert.deepEqual(names([chain(input), rule]), ["nftables inet wall input (policy accept)"]);
  const drop = { ...input, policy: "drop" };
  assert.deepEqual(names([chain(drop)]), ["nftables inet wall input (policy drop)"]);
  assert.deepEqual(names([chain({ ...drop, hook: "forward" }), rule]), [], "not on the way in");
  assert.deepEqual(names([chain({ ...input, type: "nat" }), rule]), [], "nat drops nothing");
  assert.deepEqual(names([chain({ ...drop, family: "ip6" })]), [], "PCs are served by IPv4");
  assert.deepEqual(names([chain({}), rule]), [], "a chain that only others jump to");
});

test("iptables: read by itself unless its rules are in nftables", () => {
  assert.deepEqual(names(null, "-P INPUT ACCEPT\n"), []);
  assert.deepEqual(names(null, "-P INPUT DROP\n"), ["iptables INPUT (policy DROP)"]);
  assert.deepEqual(names([], "-P INPUT ACCEPT\n-A INPUT -i lo -j ACCEPT\n"), [
    "iptables INPUT (policy ACCEPT)",
  ]);
  const kept = chain({ ...input, family: "ip", table: "filter", name: "INPUT", policy: "drop" });
  assert.deepEqual(names([kept], "-P INPUT DROP\n"), ["nftables ip filter INPUT (policy drop)"]);
});

test("the command names the ports that are wanted", () => {
  const [set] = inputRuleSets({ nft: null, iptables: "-P INPUT DROP\n" }, entrance);
  assert.equal(
    set?.open,
    "iptables -I INPUT -i lab0 -p udp -m multiport --dports 67,69 -j ACCEPT; " +
      "iptables -I INPUT -i lab0 -p tcp -m multiport --dports 8080 -j ACCEPT",
  );
});
