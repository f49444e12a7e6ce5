/** What the first configuration is made of: what is suggested, what is refused, and the file. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readConfig } from "../../../server/host/config.ts";
import { writeConfiguration } from "../../../server/host/config-file.ts";
import {
  chosenIn,
  requireInterface,
  requireRange,
  usualRange,
} from "../../../server/setup/choices.ts";
import { configurationText } from "../../../server/setup/configuration.ts";
import { type HostInterface, suggestedInterface } from "../../../server/setup/interfaces.ts";

const folder = mkdtempSync(join(tmpdir(), "roomcast-setup-"));
after(() => rmSync(folder, { recursive: true }));

const nic = (name: string, more: Partial<HostInterface> = {}): HostInterface => ({
  ...{ name, cidr: "10.77.0.1/24", isWireless: false, isDefaultRoute: false },
  ...more,
});

test("the interface that does not lead to the rest of the world is suggested, else the only one", () => {
  const home = nic("eth0", { isDefaultRoute: true });
  const wireless = nic("wlan0", { isWireless: true });
  const bare = nic("eth3", { cidr: null });
  assert.equal(suggestedInterface([home, nic("eth1"), wireless, bare])?.name, "eth1");
  assert.equal(suggestedInterface([home, wireless])?.name, "eth0");
  assert.equal(suggestedInterface([nic("eth1"), nic("eth2")]), null);
  assert.equal(suggestedInterface([wireless, bare]), null);
});

test("an interface that is not there, or has no address, is refused with what to do", () => {
  const all = [nic("eth1"), nic("eth3", { cidr: null })];
  assert.equal(requireInterface(all, "eth1").cidr, "10.77.0.1/24");
  assert.throws(() => requireInterface(all, "eth9"), { next: "use one of these: eth1, eth3" });
  assert.throws(() => requireInterface(all, "eth3"), { code: "refused", next: /ip addr add/ });
});

test("the usual range is not written down, and one outside of the subnet is refused", () => {
  assert.equal(usualRange("10.77.0.1/24"), "10.77.0.128-10.77.0.254");
  assert.equal(requireRange("10.77.0.128-10.77.0.254", "10.77.0.1/24"), null);
  assert.equal(requireRange("10.77.0.50-10.77.0.99", "10.77.0.1/24"), "10.77.0.50-10.77.0.99");
  assert.throws(() => requireRange("10.78.0.50-10.78.0.99", "10.77.0.1/24"), /not FIRST-LAST/);
});

test("what is written is what the server reads, and the file before it is kept", async () => {
  const path = join(folder, "etc", "roomcast.toml");
  const first = { interface: "eth1", dhcp: "auto", range: null, language: null } as const;
  await writeConfiguration(path, configurationText(first));
  const [network, ...others] = (await readConfig(path)).network ?? [];
  assert.deepEqual({ ...network }, { interface: "eth1", dhcp: "auto" });
  assert.deepEqual(others, []);
  assert.deepEqual(await chosenIn(path), first);
  assert.equal(statSync(path).mode & 0o777, 0o644);
  const range = "10.0.0.5-10.0.0.9";
  const second = { interface: "eth2", dhcp: "server", range, language: "fr" } as const;
  await writeConfiguration(path, configurationText(second));
  assert.deepEqual(await chosenIn(path), second);
  assert.equal(readFileSync(`${path}.old`, "utf8"), configurationText(first));
  // The operator's own is not lost by a second try.
  assert.equal(await writeConfiguration(path, configurationText(first)), `${path}.old.1`);
  assert.equal(readFileSync(`${path}.old`, "utf8"), configurationText(first));
  assert.equal(readFileSync(`${path}.old.1`, "utf8"), configurationText(second));
});

test("the service can read the configuration, whatever umask root has", async (t) => {
  const before = process.umask(0o077);
  t.after(() => process.umask(before));
  const path = join(folder, "deep", "etc", "roomcast.toml");
  assert.equal(await writeConfiguration(path, ""), null);
  for (const [each, mode] of [
    [join(folder, "deep"), 0o755],
    [join(folder, "deep", "etc"), 0o755],
    [path, 0o644],
  ] as const)
    assert.equal(statSync(each).mode & 0o777, mode, each);
});

test("a configuration that names no interface is not taken for a finished one", async () => {
  const path = join(folder, "half.toml");
  writeFileSync(path, '[cast]\nrate = "90M"\n');
  await assert.rejects(chosenIn(path), { code: "refused", next: /setup --replace/ });
});
