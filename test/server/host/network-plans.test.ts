import assert from "node:assert/strict";
import { test } from "node:test";
import {
  dhcpConfigOf,
  plannedNetworks,
  type ServeWords,
} from "../../../server/host/network-plans.ts";

const words = (more: Partial<ServeWords> = {}): ServeWords => ({
  ...{ interfaces: ["eth1"], dhcp: null, range: null },
  ...more,
});

test("one network: the command line, the old [dhcp], and auto", () => {
  const [plan] = plannedNetworks(words(), { dhcp: { range: "10.0.0.5-10.0.0.9" } });
  assert.deepEqual(
    [plan.interfaceName, plan.dhcp, plan.range],
    ["eth1", "auto", "10.0.0.5-10.0.0.9"],
  );
  const given = words({ dhcp: "proxy", range: "10.0.0.7-10.0.0.8" });
  const [told] = plannedNetworks(given, { dhcp: { range: "10.0.0.5-10.0.0.9" } });
  assert.deepEqual([told.dhcp, told.range], ["proxy", "10.0.0.7-10.0.0.8"]);
});

test("several: those of the command line first, each with what the configuration says of it", () => {
  const plans = plannedNetworks(words({ interfaces: ["eth2", "eth1.20"] }), {
    network: [
      { interface: "eth3", dhcp: "off" },
      { interface: "eth1.20", dhcp: "server", range: "10.2.0.5-10.2.0.9", rate: "90 Mbit/s" },
    ],
  });
  assert.deepEqual(
    plans.map(({ interfaceName, dhcp, range, rateBps }) => [interfaceName, dhcp, range, rateBps]),
    [
      ["eth2", "auto", null, null],
      ["eth1.20", "server", "10.2.0.5-10.2.0.9", 90e6],
      ["eth3", "off", null, null],
    ],
  );
});

test("--dhcp on the command line is for all of them", () => {
  const config = { network: [{ interface: "eth1", dhcp: "server" as const }] };
  const plans = plannedNetworks(words({ interfaces: ["eth1", "eth2"], dhcp: "off" }), config);
  assert.deepEqual(
    plans.map(({ dhcp }) => dhcp),
    ["off", "off"],
  );
});

test("refused: no interface, one that is named twice, a range of several networks", () => {
  const two = words({ interfaces: ["eth1", "eth2"] });
  const refused: [ServeWords, Parameters<typeof plannedNetworks>[1], RegExp][] = [
    [words({ interfaces: [] }), {}, /no interface/],
    [words(), { network: [{ interface: "eth1" }, { interface: "eth1" }] }, /the same interface/],
    [{ ...two, range: "10.0.0.5-10.0.0.9" }, {}, /--range is of one network/],
    [two, { dhcp: { range: "10.0.0.5-10.0.0.9" } }, /\[dhcp\] range is of one network/],
  ];
  for (const [given, config, why] of refused)
    assert.throws(() => plannedNetworks(given, config), { code: "usage", message: why });
});

test("a relayed network is of the first interface, or of the one that it names, with its own range", () => {
  const config = {
    dhcp: { dns: ["10.9.0.1"], static: { "52:54:00:00:00:01": "10.30.0.20" } },
    relayed: [
      { subnet: "10.30.0.0/24", range: "10.30.0.5-10.30.0.9" },
      { subnet: "10.31.4.7/22", interface: "eth2" },
    ],
  };
  const two = words({ interfaces: ["eth1", "eth2"] });
  const [one, other] = plannedNetworks(two, config);
  assert.deepEqual(one.relayed, [
    {
      ...{ address: "10.30.0.0", netmask: "255.255.255.0" },
      config: {
        range: "10.30.0.5-10.30.0.9",
        dns: ["10.9.0.1"],
        static: { "52:54:00:00:00:01": "10.30.0.20" },
      },
    },
  ]);
  assert.deepEqual(
    other?.relayed.map(({ address, netmask }) => [address, netmask]),
    [["10.31.4.0", "255.255.252.0"]],
  );
  // The PC's own network is no place for an address of the other.
  assert.deepEqual(
    dhcpConfigOf(one, { address: "10.1.0.1", netmask: "255.255.255.0" }, config, 1).static,
    {},
  );
  const lost = { relayed: [{ subnet: "10.30.0.0/24", interface: "eth9" }] };
  assert.throws(() => plannedNetworks(two, lost), { code: "usage", message: /eth9, which is not/ });
});

test("a router and fixed addresses count on the network that they lie in", () => {
  const config = {
    dhcp: {
      router: "10.1.0.254",
      dns: ["10.9.0.1"],
      static: { "52:54:00:00:00:01": "10.1.0.20", "52:54:00:00:00:02": "10.2.0.20" },
    },
    network: [{ interface: "eth2", dns: ["10.2.0.3"] }],
  };
  const [one, other] = plannedNetworks(words(), config);
  assert(other !== undefined);
  const at = (address: string) => ({ address, netmask: "255.255.255.0" });
  assert.deepEqual(dhcpConfigOf(one, at("10.1.0.1"), config, 2), {
    router: "10.1.0.254",
    dns: ["10.9.0.1"],
    static: { "52:54:00:00:00:01": "10.1.0.20" },
  });
  assert.deepEqual(dhcpConfigOf(other, at("10.2.0.1"), config, 2), {
    dns: ["10.2.0.3"],
    static: { "52:54:00:00:00:02": "10.2.0.20" },
  });
  // Alone, what is wrong is for the check of the settings to refuse.
  assert.deepEqual(dhcpConfigOf(one, at("10.3.0.1"), config, 1).router, "10.1.0.254");
});
