/** ARP on the server's interfaces, one of which is down or is not there when PCs begin to be waited for. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openNetwork, type RoomNetwork } from "../room/network.ts";
import { run } from "../room/run.ts";
import { endPrograms, Program } from "./program.ts";

let network: RoomNetwork;

before(async () => {
  network = await openNetwork();
  await network.addWire(1);
});

after(async () => {
  await endPrograms();
  network?.remove();
});

test("an interface that is down keeps no other from being heard, and is heard when it is up", async () => {
  const { serverNamespace } = network;
  const hosts = [await network.addHost(1), await network.addHost(2, 1)];
  const [first, second] = hosts.map(({ namespace, address }) => ({
    ask: () =>
      run(["busybox", "arping", "-c", "1", "-w", "1", "-I", "eth0", address.replace(/\d+$/, "9")], {
        ...{ namespace, accept: [0, 1] },
      }),
    line: new RegExp(`^[0-9a-f:]{17} ${address}$`),
  }));
  const link = (state: string) => run(["ip", "-n", serverNamespace, "link", "set", "lab1", state]);
  await link("down");
  const heard = new Program(serverNamespace, [
    ...[process.execPath, "--disable-warning=ExperimentalWarning"],
    ...[join(import.meta.dirname, "arp-hearing-child.ts"), "gone0", "lab1", "lab0"],
  ]);
  await heard.line(/^PCs that come up are not looked for by ARP .*"gone0"/);
  await heard.line(/^ready$/);
  await first?.ask();
  await heard.line(first?.line ?? /$./);
  await link("up");
  await second?.ask();
  await heard.line(second?.line ?? /$./);
});

test("an interface hears what is its own: nothing for one on top of it, and nothing for another host", async () => {
  const { serverNamespace } = network;
  const server = (...words: string[]) => run(["ip", "-n", serverNamespace, ...words]);
  const { namespace } = await network.addHost(3);
  const host = (...words: string[]) => run(["ip", "-n", namespace, ...words]);
  const arping = (where: string, ...words: string[]) =>
    run(["busybox", "arping", "-c", "1", "-w", "2", ...words], {
      namespace: where,
      accept: [0, 1],
    });
  await host("address", "add", "10.90.0.2/24", "dev", "eth0");
  // On its way a frame changes its interface, as it does for a VLAN; not every kernel has those (`make test-vlan`).
  await server("link", "add", "link", "lab0", "name", "lab0.top", "type", "macvlan");
  await server("address", "add", "10.90.0.1/24", "dev", "lab0.top");
  await server("link", "set", "lab0.top", "up");
  const [below, above] = ["lab0", "lab0.top"].map(
    (name) =>
      new Program(serverNamespace, [
        ...[process.execPath, "--disable-warning=ExperimentalWarning"],
        ...[join(import.meta.dirname, "arp-hearing-child.ts"), name],
      ]),
  );
  assert(below !== undefined && above !== undefined);
  await Promise.all([below, above].map((each) => each.line(/^ready$/)));
  await arping(serverNamespace, "-I", "lab0.top", "10.90.0.2");
  await above.line(/ 10\.90\.0\.2$/);
  // It asks the host that it takes for 10.77.0.99, and the bridge, which does not know that one, tells everybody.
  const known = ["lladdr", "02:00:00:00:00:99", "dev", "eth0", "nud", "probe"];
  await host("neighbour", "add", "10.77.0.99", ...known);
  await host("address", "add", "10.91.0.2/24", "dev", "eth0");
  await arping(namespace, "-s", "10.91.0.2", "-I", "eth0", "10.91.0.1");
  await below.line(/ 10\.91\.0\.2$/);
  assert.deepEqual(
    below.lines.filter((line) => / 10\.(90|77)\.0\./.test(line)),
    [],
  );
});
