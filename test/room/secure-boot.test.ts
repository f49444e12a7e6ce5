/**
 * Secure Boot with the site's own image, beside another DHCP server: the firmware has Microsoft's keys, the
 * shim's list the site's. By HTTP, which is the quickest way; `make test-boot` goes the others.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { DoctorView } from "../../core/wire/api.ts";
import { openOwnImageRoom } from "./own-image.ts";
import { enrolledInShim } from "./varstore.ts";

/** Nine times what a quiet machine with two cores and no KVM takes. */
const limitMs = { boot: 720_000, all: 1_200_000 };

test("a PC with Secure Boot starts the site's image beside another DHCP server, by no script", {
  timeout: limitMs.all,
}, async (t) => {
  const own = await openOwnImageRoom((line) => t.diagnostic(line));
  const { room, certificate } = own;
  let isDone = false;
  try {
    const pc = await room.start({
      name: "pc1",
      number: 1,
      firmware: "uefi",
      secureBoot: true,
      httpBoot: true,
      nic: "virtio",
      bus: "ahci",
      content: { fill: 0, size: 2 ** 20 },
      variables: [enrolledInShim(certificate)],
      memoryMib: 1024,
    });
    const startedAt = performance.now();
    await pc.waitForSerial(/roomcast: registered as/, limitMs.boot);
    t.diagnostic(`registered after ${Math.round((performance.now() - startedAt) / 1000)} s`);
    const [view] = await room.lab.waitForPcs([pc.mac], ["idle"], 30_000);
    assert.deepEqual([view?.firmware, view?.secureBoot], ["uefi", true]);
    assert.match(view?.ip ?? "", /^10\.77\.0\.[5-9]\d$/, "the other server's address");
    const { findings } = await room.lab.command<DoctorView>("doctor");
    const found = findings.filter(({ check }) => check === "Secure Boot image");
    assert.deepEqual(
      found.map(({ level }) => level),
      ["ok"],
    );
    isDone = true;
  } finally {
    if (!isDone) t.diagnostic(`logs and the server's log are in ${room.folder}`);
    await own.close(!isDone);
  }
});
