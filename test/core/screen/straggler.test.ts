import assert from "node:assert/strict";
import { test } from "node:test";
import { stragglerText, withDisk } from "../../../core/screen/straggler.ts";

test("each cause is told with its own figure, and a disk that takes nothing without a rate of 0", () => {
  assert.equal(
    stragglerText({ cause: "disk", writeBytesPerSecond: 1.8e7 }),
    "disk writes 18.0 MB/s",
  );
  assert.match(stragglerText({ cause: "disk", writeBytesPerSecond: 0 }), /takes nothing now/);
  assert.match(
    stragglerText({ cause: "loss", lossRatio: 0.35 }),
    /^loses 35(\.0)? % of the packets/,
  );
  assert.match(
    stragglerText({ cause: "host", dropRatio: 0.2 }),
    /^the PC cannot keep up: 20(\.0)? %/,
  );
  assert.equal(
    stragglerText({ cause: "behind", behindMs: 2449 }),
    "the PC cannot keep up: it takes what was sent 2.4 s ago",
  );
  assert.match(stragglerText({ cause: "unclear" }), /do not show why/);
});

test("chunks that wait are the disk's doing only where the disk has work most of the time", () => {
  const disk = { cause: "disk", writeBytesPerSecond: 1e6 } as const;
  assert.deepEqual(withDisk(disk, 0.2), { cause: "processor", diskBusyRatio: 0.2 });
  assert.deepEqual(withDisk(disk, 0.95), disk);
  assert.deepEqual(withDisk(disk, null), disk, "an older agent");
  const loss = { cause: "loss", lossRatio: 0.3 } as const;
  assert.deepEqual(withDisk(loss, 0.1), loss);
});
