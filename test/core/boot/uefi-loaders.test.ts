import assert from "node:assert/strict";
import { test } from "node:test";
import type { Loader } from "../../../core/boot/loader.ts";
import { uefiFile } from "../../../core/boot/uefi-file.ts";
import { UefiLoaders, type UefiLoadersOptions } from "../../../core/boot/uefi-loaders.ts";
import { type MacAddress, parseMac } from "../../../core/units/mac.ts";

const mac = parseMac("525400000001") as MacAddress;
const tftp = (file: string): Loader => ({ kind: "tftp", file });
const open = (isOff: () => boolean, signed: UefiLoadersOptions["signed"] = "shim") =>
  new UefiLoaders({ signed, isSecureBootOff: isOff });
const ipxe = tftp(uefiFile("ipxe", mac));

test("the shim until the PC has said that Secure Boot is off; iPXE where nothing signed is there", () => {
  assert.equal(open(() => false).for(mac), "shim");
  assert.equal(open(() => true).for(mac), "ipxe");
  assert.equal(open(() => false, null).for(mac), "ipxe");
});

test("a PC that was sent to iPXE and comes back as firmware gets the shim, once", () => {
  const loaders = open(() => true);
  loaders.told(mac, ipxe);
  assert.equal(loaders.for(mac), "shim", "Secure Boot was switched on: iPXE was refused");
  loaders.told(mac, tftp(uefiFile("shim", mac)));
  assert.equal(loaders.for(mac), "ipxe", "what its agent says counts again");
});

test("the site's image in the shim's place, also for a PC that was sent to iPXE by HTTP", () => {
  assert.equal(open(() => false, "image").for(mac), "image");
  const loaders = open(() => true, "image");
  assert.equal(loaders.for(mac), "ipxe");
  loaders.told(mac, { kind: "http", path: "/boot/snponly.efi", vendorClass: "HTTPClient" });
  assert.equal(loaders.for(mac), "image");
});

test("a PC whose iPXE has asked is all right", () => {
  const loaders = open(() => true);
  loaders.told(mac, ipxe);
  loaders.told(mac, { kind: "http", path: "/boot/ipxe/x", vendorClass: "PXEClient" });
  assert.equal(loaders.for(mac), "ipxe");
});

test("invented addresses do not fill the memory", () => {
  const loaders = open(() => true);
  loaders.told(mac, ipxe);
  for (let index = 0; index < 5000; index++) {
    const other = parseMac(`0200${index.toString(16).padStart(8, "0")}`) as MacAddress;
    loaders.told(other, ipxe);
  }
  assert.equal(loaders.for(mac), "ipxe", "the oldest is forgotten");
});
