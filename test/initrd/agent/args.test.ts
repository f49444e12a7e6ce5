import assert from "node:assert/strict";
import { test } from "node:test";
import { RoomcastError } from "../../../core/errors.ts";
import { parseAgentArgs } from "../../../initrd/agent/args.ts";

const server = ["--server", "https://192.0.2.1:8443", "--pin", "sha256:a", "--pin", "sha256:b"];

test("a PC that roomcast booted uses its own disks; another host none but those named", () => {
  assert.equal(parseAgentArgs(server, true).disks, null);
  assert.deepEqual(parseAgentArgs(server, false).disks, []);
  const named = [...server, "--disk", "/a", "--disk", "/b"];
  for (const isAppliance of [true, false]) {
    assert.deepEqual(parseAgentArgs(named, isAppliance).disks, ["/a", "/b"]);
    assert.equal(parseAgentArgs(named, isAppliance).isAppliance, isAppliance);
  }
});

test("all options", () => {
  const words = [...server, "--interface", "eth1", "--mac", "52-54-00-AA-BB-CC", "--name", "pc7"];
  assert.deepEqual(parseAgentArgs([...words, "--headless", "--once"], false), {
    server: "https://192.0.2.1:8443",
    pins: ["sha256:a", "sha256:b"],
    keyFile: null,
    disks: [],
    interface: "eth1",
    mac: "52:54:00:aa:bb:cc",
    name: "pc7",
    headless: true,
    once: true,
    isAppliance: false,
    shell: false,
  });
});

test("what makes no sense is wrong usage", () => {
  for (const words of [[], ["--server"], [...server, "--mac", "x"], [...server, "--disks", "/a"]]) {
    assert.throws(
      () => parseAgentArgs(words, false),
      (error) => error instanceof RoomcastError && error.code === "usage",
      words.join(" "),
    );
  }
});
