import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { interfaceChecks, portChecks } from "../../../server/doctor/host-checks.ts";

const kernel = mkdtempSync(join(tmpdir(), "roomcast-net-"));
after(() => rmSync(kernel, { recursive: true }));

/** As the kernel shows it: flags 0x1002 are those of an interface that is down, 0x1003 of one that is up. */
function show(name: string, flags: string, below?: string): void {
  const folder = join(kernel, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "flags"), `${flags}\n`);
  writeFileSync(
    join(folder, "uevent"),
    below === undefined ? "" : `DEVTYPE=vlan\nINTERFACE=${name}\n`,
  );
  if (below !== undefined) writeFileSync(join(folder, `lower_${below}`), "");
}
const said = (name: string): readonly (string | null)[] =>
  interfaceChecks(name, kernel).flatMap(({ text, mend }) => [text, mend]);

test("a VLAN's interface that is down is set up by itself, or by the one below it where that is down", () => {
  show("eth1", "0x1003");
  show("eth1.20", "0x1002", "eth1");
  assert.deepEqual(said("eth1.20"), ["eth1.20 is down", "ip link set eth1.20 up"]);
  show("eth1", "0x1002");
  assert.deepEqual(said("eth1"), ["eth1 is down", "ip link set eth1 up"]);
  assert.deepEqual(said("eth1.20"), [
    "eth1.20 is down, since eth1 is, which it is a VLAN of",
    "ip link set eth1 up",
  ]);
});

test("a VLAN's interface that is not there is made, where there is what it is named after", () => {
  show("eth2", "0x1003");
  assert.deepEqual(said("eth2.30"), [
    "there is no interface eth2.30",
    "ip link add link eth2 name eth2.30 type vlan id 30",
  ]);
  assert.match(said("eth9.30")[1] ?? "", /^use one of these: /);
  assert.match(said("eth9")[1] ?? "", /^use one of these: /);
});

async function listening(t: TestContext, host: string): Promise<number> {
  const server: Server = createServer();
  t.after(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const at = server.address();
  assert(at !== null && typeof at === "object");
  return at.port;
}

test("a port is taken by who can be reached there from the lab, and by no other", async (t) => {
  const wanted = (port: number) => [{ kind: "tcp", port, use: "HTTP" } as const];
  for (const host of ["127.0.0.1", "127.0.0.53", "::1", "::ffff:127.0.0.1"]) {
    const [found] = portChecks(wanted(await listening(t, host)), null);
    assert.match(found?.text ?? "", /is free$/, host);
  }
  const port = await listening(t, "0.0.0.0");
  const [found] = portChecks(wanted(port), null);
  assert.match(found?.text ?? "", new RegExp(`in use by node \\(process ${process.pid}\\)$`));
  assert.match(portChecks(wanted(port), process.pid)[0]?.text ?? "", /^the server listens on TCP/);
});
