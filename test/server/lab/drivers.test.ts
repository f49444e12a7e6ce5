import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { Drivers, type Model } from "../../../server/lab/drivers.ts";

const dell: Model = { vendor: "Dell Inc.", model: "OptiPlex 7090" };

async function withDrivers(
  files: Readonly<Record<string, string>>,
  work: (drivers: Drivers, folder: string) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-drivers-"));
  try {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, "drivers", path)), { recursive: true });
      writeFileSync(join(folder, "drivers", path), content);
    }
    await work(new Drivers(join(folder, "drivers")), folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const read = async (drivers: Drivers, model: Model, path: string): Promise<string> => {
  await using file = await drivers.open(model, path);
  return file.readFile("utf8");
};

test("a model's drivers are found by what SMBIOS names it, in any case", async () => {
  const files = {
    "DELL INC./optiplex 7090/net/e1d.inf": "one",
    "DELL INC./optiplex 7090/net/e1d.sys": "three",
    "DELL INC./OptiPlex 7080/other.inf": "other",
    "LENOVO/20_1/a.inf": "slash",
  };
  await withDrivers(files, async (drivers) => {
    const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
    assert.deepEqual(await drivers.list(dell), [
      { path: "net/e1d.inf", size: 3, sha256: sha256("one") },
      { path: "net/e1d.sys", size: 5, sha256: sha256("three") },
    ]);
    assert.equal(await read(drivers, dell, "net/e1d.sys"), "three");
    assert.equal((await drivers.list({ vendor: "Lenovo ", model: "20/1" })).length, 1);
  });
});

test("a PC of another model, or of none, is given none", async () => {
  await withDrivers({ "Dell Inc./OptiPlex 7090/a.inf": "a" }, async (drivers, folder) => {
    const others = [{}, { vendor: "Dell Inc.", model: null }, { vendor: "Dell Inc.", model: "." }];
    for (const model of [
      ...others,
      { vendor: "..", model: "drivers" },
      { vendor: "", model: "" },
    ]) {
      assert.deepEqual(await drivers.list(model), []);
      await assert.rejects(drivers.open(model, "a.inf"), { code: "not-found" });
    }
    assert.deepEqual(await new Drivers(join(folder, "nothing")).list(dell), []);
  });
});

test("nothing outside of the model's folder is opened, and no link is followed", async () => {
  const files = { "Dell Inc./OptiPlex 7090/a.inf": "a", "Dell Inc./secret": "s" };
  await withDrivers(files, async (drivers, folder) => {
    const top = join(folder, "drivers/Dell Inc./OptiPlex 7090");
    symlinkSync("../secret", join(top, "link"));
    symlinkSync("..", join(top, "up"));
    assert.deepEqual(
      (await drivers.list(dell)).map(({ path }) => path),
      ["a.inf"],
    );
    for (const path of ["../secret", "link", "up/secret", "/etc/passwd", "", ".", "a.inf/x", "b"])
      await assert.rejects(drivers.open(dell, path), { code: "not-found" }, path);
  });
});

test("a file that has changed is hashed anew", async () => {
  await withDrivers({ "Dell Inc./OptiPlex 7090/a.inf": "a" }, async (drivers, folder) => {
    const [before] = await drivers.list(dell);
    writeFileSync(join(folder, "drivers/Dell Inc./OptiPlex 7090/a.inf"), "bb");
    const [after] = await drivers.list(dell);
    assert.notEqual(after?.sha256, before?.sha256);
  });
});

test("what Windows could not name, or a PC could not take, is refused by its path", async () => {
  for (const name of ["a:b.inf", "end.", `${"x".repeat(150)}/${"y".repeat(60)}`]) {
    await withDrivers({ [`Dell Inc./OptiPlex 7090/${name}`]: "a" }, async (drivers) => {
      await assert.rejects(drivers.list(dell), { code: "refused", message: /OptiPlex 7090/ });
    });
  }
});
