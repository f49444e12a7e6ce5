/** ARP on the server's interfaces, one of which is down or is not there when PCs begin to be waited for. */
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
