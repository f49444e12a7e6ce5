import assert from "node:assert/strict";
import { test } from "node:test";
import { BootUuids } from "../../../../core/boot/boot-uuids.ts";
import { ipv4ToText } from "../../../../core/units/ipv4.ts";
import { dhcpSettings } from "../../../../server/gate/boot/dhcp-settings.ts";
import { noSeats, shimFirst } from "../../../core/boot/loaders.ts";

const own = {
  address: "192.168.1.1",
  netmask: "255.255.255.0",
  serverUrl: "http://192.168.1.1:8080",
  uefiLoaders: shimFirst,
  bootUuids: new BootUuids(),
  seats: noSeats,
};
const rangeOf = (config: Parameters<typeof dhcpSettings>[1], from = own): string => {
  const { first, last } = dhcpSettings(from, config).range;
  return `${ipv4ToText(first)}-${ipv4ToText(last)}`;
};

test("without a word: the upper half of the subnet, an hour, no router, no name server", () => {
  assert.equal(rangeOf({}), "192.168.1.128-192.168.1.254");
  assert.equal(
    rangeOf({}, { ...own, address: "10.1.2.3", netmask: "255.0.0.0" }),
    "10.128.0.0-10.128.15.255",
  );
  const { leaseSeconds, router, dns } = dhcpSettings(own, {});
  assert.deepEqual({ leaseSeconds, router, dns }, { leaseSeconds: 3600, router: null, dns: [] });
});

test("a range within the subnet, and no other", () => {
  assert.equal(rangeOf({ range: "192.168.1.10-192.168.1.20" }), "192.168.1.10-192.168.1.20");
  for (const range of [
    "192.168.2.10-192.168.2.20",
    "192.168.1.0-192.168.1.20",
    "192.168.1.200-192.168.1.255",
    "192.168.1.20-192.168.1.10",
    "all",
  ])
    assert.throws(() => rangeOf({ range }), { code: "usage" }, range);
  const large = { ...own, address: "10.0.0.1", netmask: "255.0.0.0" };
  assert.throws(() => rangeOf({ range: "10.1.0.0-10.2.0.0" }, large), { code: "usage" });
});

test("static leases: each a MAC and an address of its own, on this subnet", () => {
  const { fixed } = dhcpSettings(own, {
    static: { "52-54-00-AA-00-01": "192.168.1.5", "52:54:00:aa:00:02": "192.168.1.130" },
  });
  assert.deepEqual(
    [...fixed],
    [
      ["52:54:00:aa:00:01", "192.168.1.5"],
      ["52:54:00:aa:00:02", "192.168.1.130"],
    ],
  );
  for (const [entries, why] of [
    [{ pc7: "192.168.1.5" }, /no MAC/],
    [{ "52:54:00:aa:00:01": "192.168.9.5" }, /not within/],
    [{ "52:54:00:aa:00:01": "192.168.1.999" }, /not within/],
    [{ "52:54:00:aa:00:01": "192.168.1.1" }, /server's own/],
    [{ "52:54:00:aa:00:01": "192.168.1.5", "52-54-00-aa-00-01": "192.168.1.6" }, /MAC is given/],
    [
      { "52:54:00:aa:00:01": "192.168.1.5", "52:54:00:aa:00:02": "192.168.1.5" },
      /address is given/,
    ],
  ] as const)
    assert.throws(
      () => dhcpSettings(own, { static: entries as Record<string, string> }),
      { code: "bad-input", message: why },
      JSON.stringify(entries),
    );
});
