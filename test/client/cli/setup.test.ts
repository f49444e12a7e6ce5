/** `roomcast setup` from outside, on a host that it must not change. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { hostInterfaces } from "../../../server/setup/interfaces.ts";

const main = join(import.meta.dirname, "..", "..", "..", "bin", "roomcast.js");
const words = ["--disable-warning=ExperimentalWarning", main];
const setup = (...more: string[]) =>
  spawnSync(process.execPath, [...words, ...more], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });

test("--dry-run asks nothing, and says what would be done", () => {
  const [name] = suggested();
  const { status, stderr, stdout } = setup("setup", "--dry-run", "--replace", "--interface", name);
  assert.equal(status, 0, stderr);
  assert.match(
    stdout,
    new RegExp(`write /etc/roomcast/roomcast.toml: interface ${name}, DHCP auto`),
  );
  const none = setup("setup", "--dry-run", "--replace", "--interface", "none-such");
  assert.equal(none.status, 2, none.stdout);
  assert.match(none.stderr, /^roomcast: there is no interface none-such; use one of these: /);
});

/** The host's interfaces with an address. */
function suggested(): [string, ...string[]] {
  const names = hostInterfaces().flatMap(({ name, cidr }) => (cidr === null ? [] : [name]));
  const [first, ...others] = names;
  assert(first !== undefined, "this host has a network");
  return [first, ...others];
}

test("another data folder is not the service's", () => {
  const { status, stderr } = setup("--data", "/srv/data", "setup", "--yes");
  assert.equal(status, 2);
  assert.match(stderr, /keeps its data in \/var\/lib\/roomcast, not in \/srv\/data; /);
});
