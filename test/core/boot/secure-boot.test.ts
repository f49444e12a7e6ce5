import assert from "node:assert/strict";
import { test } from "node:test";
import { serverArguments } from "../../../core/boot/boot-menu.ts";
import {
  secureBootFiles,
  secureBootRequest,
  secureLoaderPath,
} from "../../../core/boot/secure-boot.ts";
import { type MacAddress, parseMac } from "../../../core/units/mac.ts";

const mac = parseMac("52:54:00:7e:00:01") as MacAddress;

test("beside its shim a PC finds its second stage by the decision, and MokManager", () => {
  const folder = secureLoaderPath(mac).replace("/shimx64.efi", "");
  const request = (name: string) => secureBootRequest(`${folder}/${name}`);
  assert.equal(request("shimx64.efi")?.file("agent"), secureBootFiles.shim);
  assert.equal(request("grubx64.efi")?.file("agent"), secureBootFiles.image);
  assert.equal(request("grubx64.efi")?.file("local-disk"), secureBootFiles.localDisk);
  assert.equal(request("/grubx64.efi")?.file("agent"), secureBootFiles.image, "as by HTTP");
  assert.equal(request("mmx64.efi")?.file("agent"), "mmx64.efi");
  assert.deepEqual(
    ["shimx64.efi", "grubx64.efi", "mmx64.efi"].map((name) => request(name)?.isSecondStage),
    [false, true, false],
  );
  assert.equal(request("grubx64.efi")?.mac, mac);
});

test("nothing else is in such a folder, and no path leads out of it", () => {
  for (const path of [
    "secure/52-54-00-7e-00-01/site.key",
    "secure/52-54-00-7e-00-01///grubx64.efi",
    "secure/../52-54-00-7e-00-01/grubx64.efi",
    "secure/52-54-00-7e-00-0/grubx64.efi",
    "secure/-----------------/grubx64.efi",
    "secure/grubx64.efi",
    "grubx64.efi",
  ])
    assert.equal(secureBootRequest(path), undefined, path);
});

test("the boot line names gate and keys before the server for boot files", () => {
  const gate = { url: "https://10.77.0.1:8443", pins: ["sha256:a", "sha256:b"] as const };
  assert.deepEqual(serverArguments({ serverUrl: "http://10.77.0.1:8080", gate }), [
    "roomcast.gate=https://10.77.0.1:8443",
    "roomcast.key=sha256:a",
    "roomcast.key=sha256:b",
    "roomcast.server=http://10.77.0.1:8080",
  ]);
});
