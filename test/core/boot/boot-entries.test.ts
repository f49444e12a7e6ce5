import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type BootPlan,
  type BootPlanOptions,
  planBootEntries,
} from "../../../core/boot/boot-entries.ts";
import {
  decodeEntry,
  diskEntry,
  encodeEntry,
  fileOf,
  partitionOf,
} from "../../../core/boot/efi-entry.ts";
import {
  debianPartition,
  disc,
  entryOf,
  lanByVendor,
  network4,
  network6,
  setupApp,
} from "./efi-entries.ts";

const gone = { ...debianPartition, guid: "99999999-0000-0000-0000-000000000000" };
const other = { ...debianPartition, number: 2, guid: "22222222-0000-0000-0000-000000000000" };
const shim = "\\EFI\\debian\\shimx64.efi";
const bootmgr = "\\EFI\\Microsoft\\Boot\\bootmgfw.efi";
const disk = (description: string, file: string, partition = debianPartition): Uint8Array =>
  encodeEntry(diskEntry(partition, { description, file }));

const usual = [shim, "\\EFI\\debian\\grubx64.efi", "\\EFI\\BOOT\\BOOTX64.EFI"];
const options = (
  entries: Readonly<Record<number, Uint8Array>>,
  order: readonly number[],
  more: Partial<BootPlanOptions> & {
    readonly files?: readonly string[];
    readonly current?: number;
  } = {},
): BootPlanOptions => {
  const { files = usual, current = null, ...rest } = more;
  return {
    variables: {
      entries: new Map(Object.entries(entries).map(([number, bytes]) => [Number(number), bytes])),
      order,
      current,
    },
    systemPartitions: [{ partition: debianPartition, files }],
    goneGuids: new Set([gone.guid]),
    bootFirst: "network",
    ...rest,
  };
};

/** What is written, as `number: description, file on partition`. */
const written = ({ written: all }: BootPlan): string[] =>
  all.map(({ number, bytes }) => {
    const entry = decodeEntry(bytes);
    assert(entry.ok);
    const partition = partitionOf(entry.value);
    return `${number}: ${entry.value.description}, ${fileOf(entry.value)} on ${partition?.guid.slice(0, 8)} ${partition?.number}`;
  });

/** After the plan was carried out. */
function carriedOut(before: BootPlanOptions, plan: BootPlan): BootPlanOptions {
  const entries = new Map(before.variables.entries);
  for (const number of plan.removed) entries.delete(number);
  for (const { number, bytes } of plan.written) entries.set(number, bytes);
  const order = plan.order ?? before.variables.order;
  return { ...before, variables: { ...before.variables, entries, order } };
}

const nothing = { removed: [], written: [], order: null, notes: [] };

test("all is right: nothing is written", () => {
  const all = options({ 0: setupApp, 1: network4, 2: disk("debian", shim) }, [1, 2, 0]);
  assert.deepEqual(planBootEntries(all), nothing);
  const diskFirst = options({ 1: network4, 2: disk("debian", shim) }, [2, 1], {
    bootFirst: "disk",
  });
  assert.deepEqual(planBootEntries(diskFirst), nothing);
});

test("a new disk: its loader gets a free number behind the network, the firmware's own stay", () => {
  const plan = planBootEntries(
    options({ 0: setupApp, 1: disc, 3: network4, 4: network6 }, [1, 3, 4, 0, 2]),
  );
  assert.deepEqual(written(plan), [`5: debian, ${shim} on 01234567 1`]);
  assert.deepEqual(plan.order, [3, 4, 5, 1, 0, 2]);
  assert.deepEqual(plan.removed, []);
  assert.deepEqual(plan.notes, ["0005 debian made", "order 0003 0004 0005 0001 0000 0002"]);
});

test("the disk first: before the network, which stays", () => {
  const plan = planBootEntries(options({ 1: network4 }, [1], { bootFirst: "disk" }));
  assert.deepEqual(plan.order, [0, 1]);
});

test("the entry of the same loader on a lost partition is put right, others there are removed", () => {
  const windows = decodeEntry(disk("Windows Boot Manager", bootmgr, gone));
  assert(windows.ok);
  const withOptions = encodeEntry({
    ...windows.value,
    attributes: 0,
    optional: Uint8Array.of(1, 2),
  });
  const plan = planBootEntries(
    options(
      {
        1: network4,
        2: withOptions,
        3: disk("ubuntu", "\\EFI\\ubuntu\\shimx64.efi", gone),
        4: disk("data", "\\x.efi", other),
      },
      [2, 3, 4, 1],
      { files: ["\\EFI\\microsoft\\boot\\BOOTMGFW.EFI"] },
    ),
  );
  assert.deepEqual(written(plan), [`2: Windows Boot Manager, ${bootmgr} on 01234567 1`]);
  assert.deepEqual([...(plan.written[0]?.bytes.subarray(-2) ?? [])], [1, 2]);
  assert.deepEqual(plan.removed, [3]);
  assert.deepEqual(plan.order, [1, 2, 4]);
  assert(plan.notes.includes("0003 ubuntu removed: its partition is gone"));
});

test("the right GUID at a wrong place, or switched off: corrected under its number", () => {
  const moved = disk("my debian", shim, { ...debianPartition, firstLba: 4096, number: 7 });
  assert.deepEqual(written(planBootEntries(options({ 1: network4, 9: moved }, [1, 9]))), [
    `9: my debian, ${shim} on 01234567 1`,
  ]);
  const off = new Uint8Array(disk("debian", shim));
  off[0] = 0;
  assert.equal(planBootEntries(options({ 1: network4, 9: off }, [1, 9])).written.length, 1);
});

test("not removed: USB sticks, the firmware's tools, other disks, no GPT, and what cannot be read", () => {
  const stick = decodeEntry(disk("stick", "\\x.efi", gone));
  const app = decodeEntry(disk("diagnosis", "\\x.efi", gone));
  assert(stick.ok && app.ok);
  const usb = { type: 3, subtype: 5, data: Uint8Array.of(1, 0) };
  const entries = {
    1: network4,
    2: disk("debian", shim),
    3: encodeEntry({ ...stick.value, nodes: [usb, ...stick.value.nodes] }),
    4: encodeEntry({ ...app.value, attributes: 0x101 }),
    5: disk("data", "\\x.efi", other),
    6: entryOf("MBR", [[4, 1, `01000000 ${"00".repeat(32)} 01 01`]]),
    7: Uint8Array.of(1, 2, 3),
    8: disc,
    10: setupApp,
  };
  const all = options(entries, [1, 2, 3, 4, 5, 6, 7, 8]);
  assert.deepEqual(planBootEntries(all), nothing);
  // The number of what cannot be decoded is not free.
  const next = options({ 0: Uint8Array.of(9), 1: network4 }, [1]);
  assert.match(written(planBootEntries(next))[0] ?? "", /^2:/);
});

test("a system on a disk that is out of sight keeps its entry, and the same loader here gets one of its own", () => {
  // As efibootmgr makes them: nothing says that one is on a USB disk, or behind a controller without a driver.
  const unseen = { ...debianPartition, guid: "33333333-0000-0000-0000-000000000000" };
  const entries = { 1: network4, 2: disk("debian", shim, unseen), 3: disk("x", "\\x.efi", unseen) };
  const plan = planBootEntries(options(entries, [2, 1, 3]));
  assert.deepEqual(plan.removed, []);
  assert.deepEqual(written(plan), [`0: debian, ${shim} on 01234567 1`]);
  assert.deepEqual(plan.order, [1, 0, 2, 3]);
});

test("several systems: each has its entry, the others before Windows; the order of those there stays", () => {
  const files = [
    bootmgr,
    "\\EFI\\ubuntu\\grubx64.efi",
    "\\EFI\\FreeBSD\\loader.efi",
    "\\EFI\\BOOT\\BOOTX64.EFI",
    "\\EFI\\ubuntu\\x\\shimx64.efi",
  ];
  const plan = planBootEntries(options({ 0: network4 }, [0], { files }));
  assert.deepEqual(written(plan), [
    "1: FreeBSD, \\EFI\\FreeBSD\\loader.efi on 01234567 1",
    "2: ubuntu, \\EFI\\ubuntu\\grubx64.efi on 01234567 1",
    `3: Windows Boot Manager, ${bootmgr} on 01234567 1`,
  ]);
  assert.deepEqual(plan.order, [0, 1, 2, 3]);
  const there = options({ 0: network4, 1: disk("Windows Boot Manager", bootmgr) }, [0, 1], {
    files,
  });
  assert.deepEqual(planBootEntries(there).order, [0, 1, 2, 3]);
});

test("no system's own loader: the one of any disk; none at all is told", () => {
  const any = planBootEntries(
    options({ 0: network4 }, [0], { files: ["\\EFI\\BOOT\\bootx64.efi"] }),
  );
  assert.deepEqual(written(any), ["1: Hard disk, \\EFI\\BOOT\\bootx64.efi on 01234567 1"]);
  const none = planBootEntries(options({ 0: network4 }, [0], { systemPartitions: [] }));
  assert.deepEqual(none, { ...nothing, notes: ["no loader was found on the disk"] });
});

test("the network first: the card that was used before others, those that the order leaves out as well", () => {
  const entries = { 1: network4, 2: disk("debian", shim), 3: network6 };
  assert.deepEqual(planBootEntries(options(entries, [2], { current: 3 })).order, [3, 1, 2]);
  const vendor = options({ 1: lanByVendor, 2: disk("debian", shim) }, [2, 1], { current: 1 });
  assert.deepEqual(planBootEntries(vendor).order, [1, 2]);
  const setup = options({ 1: setupApp, 2: disk("debian", shim) }, [2, 1], { current: 1 });
  assert.deepEqual(planBootEntries(setup).notes, [
    "no entry starts from the network: switch it on in the firmware's setup",
  ]);
});

test("any variables: a second plan finds nothing to do, and only the lost partitions' entries go", () => {
  const entry = fc.oneof(
    fc.constantFrom(network4, network6, lanByVendor, setupApp, disc, Uint8Array.of(1)),
    fc
      .tuple(
        fc.constantFrom(shim, bootmgr, "\\x.efi"),
        fc.constantFrom(debianPartition, gone, other),
      )
      .map(([file, partition]) => disk("some", file, partition)),
  );
  const variables = fc.record({
    entries: fc.array(fc.tuple(fc.nat(12), entry), { maxLength: 10 }),
    order: fc.array(fc.nat(14), { maxLength: 12 }),
    current: fc.option(fc.nat(12)),
  });
  const files = fc.subarray([
    shim,
    bootmgr,
    "\\EFI\\BOOT\\BOOTX64.EFI",
    "\\EFI\\FREEBSD\\LOADER.EFI",
  ]);
  fc.assert(
    fc.property(
      variables,
      files,
      fc.boolean(),
      fc.boolean(),
      (found, loaders, isNetwork, isKnown) => {
        const before: BootPlanOptions = {
          variables: { ...found, entries: new Map(found.entries) },
          systemPartitions: [{ partition: debianPartition, files: loaders }],
          goneGuids: new Set(isKnown ? [gone.guid] : []),
          bootFirst: isNetwork ? "network" : "disk",
        };
        const plan = planBootEntries(before);
        const after = carriedOut(before, plan);
        const again = planBootEntries(after);
        assert.deepEqual([again.removed, again.written, again.order], [[], [], null]);
        for (const number of plan.removed) {
          const entryThere = decodeEntry(before.variables.entries.get(number) as Uint8Array);
          assert(entryThere.ok && partitionOf(entryThere.value)?.guid === gone.guid);
        }
        const touched = new Set([...plan.removed, ...plan.written.map(({ number }) => number)]);
        for (const [number, bytes] of before.variables.entries) {
          if (!touched.has(number)) assert.equal(after.variables.entries.get(number), bytes);
        }
        // Nothing that was in the order is lost from it.
        for (const number of before.variables.order) {
          assert(plan.removed.includes(number) || after.variables.order.includes(number));
        }
      },
    ),
    { numRuns: 500 },
  );
});
