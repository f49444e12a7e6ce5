/** A FreeBSD in a partition of an MBR's slice: found by the slice's label, and made one PC's own. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Personal } from "../../../../core/wire/personal.ts";
import type { StepView } from "../../../../core/wire/views.ts";
import { personaliseDisk } from "../../../../imaging/personalise/personalise.ts";
import { bsdLabel } from "../../../core/image/bsd-labels.ts";
import { fill, inFolder, lookAt, mib, putBytes, tool } from "../../capture/disks.ts";
import { grubText, makeUfs } from "./ufs-image.ts";

const master = {
  "/etc/defaults/rc.conf": "x",
  "/boot/defaults/loader.conf": "x",
  "/etc/rc.conf": 'hostname="master"\nifconfig_em0="DHCP"\n',
};
const lab1: Personal = {
  ...{ name: "lab1-a3", domain: null, room: "lab1", seat: "a3", address: { kind: "dhcp" } },
  ...{ sshKeys: [], hostKeys: null, fields: {}, bootFirst: "network", steps: [], windows: null },
};

async function personalise(path: string): Promise<StepView[]> {
  const steps: StepView[] = [];
  await personaliseDisk({
    ...{ path, personal: lab1, mac: "02:00:00:00:00:01" },
    signal: new AbortController().signal,
    said: (step) => steps.push(step),
    log: () => {},
    driver: () => assert.fail("no driver is wanted"),
  });
  return steps;
}

/** In sectors: where `a` begins in its slice, and where the label counts from. */
for (const { aAt, base } of [
  { aAt: 2048, base: 0 },
  { aAt: 16, base: 2048 },
  { aAt: 0, base: 0 },
]) {
  test(`partition a begins ${aAt} sectors into the slice, by a label that counts from ${base}`, () =>
    inFolder(async (folder) => {
      using ufs = makeUfs({ files: master });
      const disk = join(folder, "disk");
      fill(disk, 24 * mib, 0);
      tool("sfdisk", ["-q", disk], "label: dos\nstart=2048, size=20M, type=a5, bootable\n");
      const content = readFileSync(ufs.path);
      const size = content.length / 512;
      putBytes(disk, mib + aAt * 512, content);
      const swap = { letter: "b", start: aAt + size, size: 2048, type: 1 };
      const root = { letter: "a", start: aAt, size, type: 7 };
      putBytes(disk, mib + 512, bsdLabel([root, swap], 40960, base).subarray(0, 460));
      const steps = await personalise(disk);
      assert.deepEqual(
        steps.map(({ name, result }) => [name, result]).slice(0, 1),
        [["FreeBSD on partition 1a: name and address", "done"]],
        JSON.stringify(steps),
      );
      assert.equal(steps.filter(({ name }) => name.endsWith("name and address")).length, 1);
      lookAt(disk, mib + aAt * 512, content.length, (part) =>
        assert.match(grubText(part, "/etc/rc.conf"), /^hostname="lab1-a3"$/m),
      );
    }));
}
