/** Networks that go down, come back, change their addresses and overlap, without any socket. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { RoomcastError } from "../../core/errors.ts";
import type { InterfaceAddress } from "../../server/host/interface-address.ts";
import { plannedNetworks } from "../../server/host/network-plans.ts";
import type { NetworkPlace, ServedNetwork } from "../../server/network.ts";
import { Networks } from "../../server/networks.ts";

const at = (address: string, index = 1): InterfaceAddress => ({
  ...{ index, address, netmask: "255.255.255.0" },
});

/**
 * A server of the interfaces `names`, of which those in `host` have an address; what it serves is in `open`, as
 * ADDRESS@INTERFACE. `faults`: what keeps it from serving, by interface.
 */
async function serve(
  t: TestContext,
  host: Map<string, InterfaceAddress>,
  names = [...host.keys()],
  faults = new Map<string, RoomcastError>(),
) {
  t.mock.timers.enable({ apis: ["setInterval"] });
  const plans = plannedNetworks({ interfaces: names, dhcp: "off", range: null }, {});
  const networks = new Networks(plans, {}, (name) => host.get(name) ?? null);
  const open = new Set<string>();
  const places = new Map<string, NetworkPlace>();
  const notes: string[] = [];
  const seen = { warnings: [] as readonly string[] };
  await networks.open({
    async serve({ interfaceName }, { address, ...rest }, place): Promise<ServedNetwork> {
      const name = `${address}@${interfaceName}`;
      places.set(interfaceName, place);
      const end = (): void => {
        open.delete(name);
        place.warn([`${name} has ended`]);
      };
      for (const each of open)
        assert(!each.startsWith(`${address}@`), `${address} is in use, by ${each}`);
      open.add(name);
      const fault = faults.get(interfaceName);
      if (fault !== undefined) {
        end();
        throw fault;
      }
      return {
        ...{ at: { address, ...rest }, url: `http://${address}`, gateUrl: `https://${address}` },
        ...{ listeners: [], pcTroubles: [], igmp: null, renewTls: () => {} },
        dhcpStatus: () => ({ mode: "off", why: "", otherServers: [] }),
        async [Symbol.asyncDispose]() {
          await turn();
          end();
        },
      };
    },
    note: (text) => notes.push(text),
    warn: (texts) => {
      seen.warnings = texts;
    },
    onError: (error) => assert.fail(error),
  });
  return {
    ...{ networks, places, notes, seen },
    opened: () => [...open].sort(),
    /** The interfaces are looked at once more. */
    async look() {
      t.mock.timers.tick(1000);
      for (let turns = 0; turns < 20; turns++) await turn();
    },
  };
}

const taken = new RoomcastError("failed", "port 8080 is taken", "end what has it");

test("what a network that is down said is not told beside that it is down", async (t) => {
  const host = new Map([
    ["lab0", at("10.77.0.1")],
    ["lab1", at("10.78.0.1")],
  ]);
  const { networks, places, seen, look, opened } = await serve(t, host);
  await using _ = networks;
  places.get("lab1")?.warn(["no DHCP server answers"]);
  assert.deepEqual(seen.warnings, ["no DHCP server answers"]);
  host.delete("lab1");
  await look();
  assert.equal(seen.warnings.length, 1);
  assert.match(seen.warnings[0] ?? "", /lab1.*its PCs are not served/);
  assert.deepEqual(opened(), ["10.77.0.1@lab0", "10.78.0.1@lab1"]);
  host.set("lab1", at("10.78.0.1"));
  await look();
  assert.deepEqual(seen.warnings, ["no DHCP server answers"]);
});

test("services that end have no word any more, nor have those that could not be started", async (t) => {
  const host = new Map([["lab0", at("10.77.0.1")]]);
  const faults = new Map<string, RoomcastError>();
  const { networks, places, seen, look, opened } = await serve(t, host, ["lab0"], faults);
  await using _ = networks;
  const former = places.get("lab0");
  faults.set("lab0", taken);
  host.set("lab0", at("10.77.0.2"));
  await look();
  const trouble = "lab0 is not served: port 8080 is taken: end what has it";
  assert.deepEqual(seen.warnings, [trouble]);
  former?.warn(["a former word"]);
  places.get("lab0")?.warn(["a word of what did not start"]);
  assert.deepEqual(seen.warnings, [trouble]);
  assert.deepEqual(opened(), []);
});

test("an address that moves to another interface is served there, and by the first again when it has one", async (t) => {
  const host = new Map([
    ["lab0", at("10.77.0.1")],
    ["lab1", at("10.78.0.1")],
    ["lab2", at("10.79.0.1")],
  ]);
  const { networks, seen, look, opened } = await serve(t, host);
  await using _ = networks;
  host.delete("lab1");
  await look();
  host.set("lab2", at("10.78.0.1"));
  await look();
  assert.deepEqual(opened(), ["10.77.0.1@lab0", "10.78.0.1@lab2"]);
  assert.deepEqual(
    networks.known().map(({ name, address }) => `${address}@${name}`),
    opened(),
  );
  assert.equal(networks.troubles.length, 1);
  host.set("lab1", at("10.79.0.1"));
  await look();
  assert.deepEqual(opened(), ["10.77.0.1@lab0", "10.78.0.1@lab2", "10.79.0.1@lab1"]);
  // And two that change places at once.
  host.set("lab0", at("10.79.0.1"));
  host.set("lab1", at("10.77.0.1"));
  await look();
  assert.deepEqual(opened(), ["10.77.0.1@lab1", "10.78.0.1@lab2", "10.79.0.1@lab0"]);
  assert.deepEqual(seen.warnings, []);
});

test("networks that overlap are told while both are there", async (t) => {
  const host = new Map([
    ["lab0", at("10.77.0.1")],
    ["lab1", at("10.77.0.2")],
    ["lab2", at("10.78.0.1")],
  ]);
  const { networks, seen, look } = await serve(t, host);
  await using _ = networks;
  assert.deepEqual(seen.warnings, networks.overlaps);
  assert.match(seen.warnings.join("\n"), /^the networks of lab0 and lab1 overlap: [^\n]*$/);
  host.delete("lab1");
  await look();
  assert.deepEqual(networks.overlaps, []);
  assert.match(seen.warnings.join("\n"), /^(?!.*overlap).*lab1/);
});

test("at a start, a network that is down or cannot be served keeps no other from it, and follows", async (t) => {
  const names = ["lab0", "lab1", "lab2"];
  const host = new Map([
    ["lab1", at("10.78.0.1")],
    ["lab2", at("10.79.0.1")],
  ]);
  const faults = new Map([["lab1", taken]]);
  const { networks, notes, seen, look, opened } = await serve(t, host, names, faults);
  await using _ = networks;
  assert.deepEqual(opened(), ["10.79.0.1@lab2"]);
  assert.match(networks.troubles[0] ?? "", /lab0.*its PCs are not served until it is back/);
  assert.equal(networks.troubles[1], "lab1 is not served: port 8080 is taken: end what has it");
  assert.deepEqual(seen.warnings, networks.troubles);
  assert.deepEqual(notes, networks.troubles);
  assert.equal(networks.home.gateUrl, "https://10.79.0.1");
  host.set("lab0", at("10.77.0.1"));
  await look();
  assert.deepEqual(opened(), ["10.77.0.1@lab0", "10.79.0.1@lab2"]);
  assert.equal(networks.home.gateUrl, "https://10.77.0.1");
  assert.deepEqual(notes.slice(2), ["lab0 is served, with 10.77.0.1"]);
  host.clear();
  await look();
  assert.equal(networks.home.gateUrl, "https://10.77.0.1", "where it could be found last");
});

test("no start where no network can be served, or with a wrong configuration", async (t) => {
  const host = new Map([
    ["lab0", at("10.77.0.1")],
    ["lab1", at("10.78.0.1")],
  ]);
  const begin = (names: string[], faults: Map<string, RoomcastError>, there = host) => {
    t.mock.timers.reset();
    return serve(t, there, names, faults);
  };
  const all = new Map([...host.keys()].map((name) => [name, taken]));
  await assert.rejects(begin(["lab0", "lab1"], all), taken);
  await assert.rejects(begin(["lab0"], all), taken);
  const none = { code: "refused", message: /^interface lab0 has no IPv4 address/ };
  await assert.rejects(begin(["lab0", "lab1"], all, new Map()), none);
  await assert.rejects(begin(["lab0"], all, new Map()), none);
  const wrong = new RoomcastError("usage", "the range is not within the subnet", "write another");
  await assert.rejects(begin(["lab0", "lab1"], new Map([["lab1", wrong]])), wrong);
});
