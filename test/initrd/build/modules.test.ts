import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  closeModules,
  describeModule,
  type KernelModule,
  modulesAlias,
  modulesDep,
} from "../../../initrd/build/modules.ts";
import { makeModule } from "./make-module.ts";

function module(name: string, more: Partial<KernelModule> = {}): KernelModule {
  return {
    name,
    path: `kernel/drivers/${name.replaceAll("_", "-")}.ko`,
    depends: [],
    softBefore: [],
    aliases: [],
    firmware: [],
    ...more,
  };
}

const kernel: readonly KernelModule[] = [
  module("sd_mod", { depends: ["t10_pi", "scsi_mod"], aliases: ["scsi:t-0x00*"] }),
  module("t10_pi", { depends: ["crc_t10dif", "crc64_rocksoft"] }),
  module("crc_t10dif", { depends: ["crct10dif_common"], softBefore: ["crct10dif"] }),
  module("crct10dif_common"),
  module("crct10dif_pclmul", { depends: ["crct10dif_common"], aliases: ["crct10dif"] }),
  module("crc64_rocksoft"),
  module("scsi_mod", { depends: ["scsi_common"] }),
  module("scsi_common"),
  module("usb_storage", { depends: ["scsi_mod"] }),
];

const names = (modules: readonly KernelModule[]): string[] =>
  modules.map(({ name }) => name).sort();

test("a module's own words", () => {
  const described = describeModule(
    "kernel/drivers/hid/hid-generic.ko",
    makeModule([
      ["alias", "hid:b*g*v*p*"],
      ["depends", "hid,usb-common"],
      ["softdep", "pre: libcrc32c crypto-aes post: other"],
      ["softdep", "post: late pre: early"],
      ["firmware", "rtl_nic/rtl8168g-3.fw"],
    ]),
  );
  assert(described.ok);
  assert.deepEqual(described.value, {
    name: "hid_generic",
    path: "kernel/drivers/hid/hid-generic.ko",
    depends: ["hid", "usb_common"],
    softBefore: ["libcrc32c", "crypto_aes", "early"],
    aliases: ["hid:b*g*v*p*"],
    firmware: ["rtl_nic/rtl8168g-3.fw"],
  });
  assert.deepEqual(describeModule("x.ko", makeModule([["depends", ""]])).ok, true);
  assert.equal(describeModule("x.ko", Buffer.from("nothing")).ok, false);
});

test("all that a module needs comes with it, soft wishes by alias too, and nothing else", () => {
  const { modules, missing } = closeModules(kernel, new Set(), ["sd-mod"]);
  assert.deepEqual(names(modules), [
    "crc64_rocksoft",
    "crc_t10dif",
    "crct10dif_common",
    "crct10dif_pclmul",
    "scsi_common",
    "scsi_mod",
    "sd_mod",
    "t10_pi",
  ]);
  assert.deepEqual(missing, []);
});

test("missing is what is neither a module nor built in; soft wishes may be missing", () => {
  const all = [module("a", { depends: ["gone"], softBefore: ["request"] })];
  const closed = closeModules(all, new Set(["inside"]), ["a", "inside", "unknown-one"]);
  assert.deepEqual(names(closed.modules), ["a"]);
  assert.deepEqual(closed.missing, ["gone", "unknown_one"]);
});

test("modules.dep: loading from the right to the left meets every need first", () => {
  const { modules } = closeModules(kernel, new Set(), ["sd_mod"]);
  const lines = modulesDep(modules).trimEnd().split("\n");
  assert.equal(lines.length, modules.length);
  const byPath = new Map(modules.map((each) => [each.path, each]));
  const soft = new Map([["crct10dif", "crct10dif_pclmul"]]);
  for (const line of lines) {
    const [path, ...rest] = line.split(/:? /);
    const loaded = new Set<string>();
    for (const needed of [...rest.reverse(), path?.replace(/:$/, "")]) {
      const each = byPath.get(needed as string) as KernelModule;
      for (const name of [...each.depends, ...each.softBefore])
        assert(loaded.has(soft.get(name) ?? name), `${each.name} before ${name} in: ${line}`);
      loaded.add(each.name);
    }
  }
  assert(lines.includes("kernel/drivers/scsi-mod.ko: kernel/drivers/scsi-common.ko"));
  assert(lines.includes("kernel/drivers/scsi-common.ko:"));
});

test("circles among soft wishes end", () => {
  const all = [module("a", { softBefore: ["b"] }), module("b", { softBefore: ["a"] })];
  const { modules } = closeModules(all, new Set(), ["a"]);
  assert.equal(
    modulesDep(modules),
    "kernel/drivers/a.ko: kernel/drivers/b.ko\nkernel/drivers/b.ko: kernel/drivers/a.ko\n",
  );
});

test("modules.alias names the module for each pattern", () => {
  assert.equal(
    modulesAlias([module("e1000e", { aliases: ["pci:v1*", "pci:v2*"] })]),
    "alias pci:v1* e1000e\nalias pci:v2* e1000e\n",
  );
});

test("any kernel without circles: closed, and in an order that loads", () => {
  const graphs = fc.array(fc.array(fc.nat({ max: 30 }), { maxLength: 4 }), {
    minLength: 1,
    maxLength: 30,
  });
  fc.assert(
    fc.property(graphs, fc.nat(), (edges, start) => {
      const all = edges.map((needs, index) =>
        // Only to smaller numbers: no circles.
        module(`m${index}`, { depends: needs.filter((to) => to < index).map((to) => `m${to}`) }),
      );
      const { modules, missing } = closeModules(all, new Set(), [`m${start % all.length}`]);
      assert.deepEqual(missing, []);
      const chosen = new Set(names(modules));
      for (const { depends } of modules) for (const name of depends) assert(chosen.has(name));
      const byPath = new Map(modules.map((each) => [each.path, each]));
      for (const line of modulesDep(modules).trimEnd().split("\n")) {
        const loaded = new Set<string>();
        const [, list = ""] = line.split(":");
        for (const path of list.split(" ").filter(Boolean).reverse()) {
          const each = byPath.get(path) as KernelModule;
          for (const name of each.depends) assert(loaded.has(name));
          loaded.add(each.name);
        }
      }
    }),
  );
});
