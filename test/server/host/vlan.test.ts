import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { cableOf, vlanOf } from "../../../server/host/vlan.ts";

const kernel = mkdtempSync(join(tmpdir(), "roomcast-vlan-"));
after(() => rmSync(kernel, { recursive: true }));

/** As the kernel shows it; `below` lies in this namespace, too. */
function show(name: string, type: string, below?: string): void {
  mkdirSync(join(kernel, name));
  writeFileSync(join(kernel, name, "uevent"), `${type}INTERFACE=${name}\nIFINDEX=7\n`);
  if (below !== undefined) writeFileSync(join(kernel, name, `lower_${below}`), "");
}

test("the cable of a VLAN is that of the interface below it, however deep; a bridge has one of its own", () => {
  const vlan = "DEVTYPE=vlan\n";
  show("eth1", "");
  show("eth1.20", vlan, "eth1");
  show("lab3", vlan, "eth1.20");
  show("br0", "DEVTYPE=bridge\n", "eth1");
  show("moved", vlan);
  const names = ["eth1", "eth1.20", "lab3", "br0", "moved", "gone"];
  assert.deepEqual(
    names.map((name) => [vlanOf(name, kernel), cableOf(name, kernel)]),
    [
      [null, "eth1"],
      ["eth1", "eth1"],
      ["eth1.20", "eth1"],
      [null, "br0"],
      [null, "moved"],
      [null, "gone"],
    ],
  );
});
