/** A restored PC as others on its wire see it. */
import assert from "node:assert/strict";
import type { RoomNetwork } from "./network.ts";
import { run } from "./run.ts";

/** The SSH host keys that answer at an address, as in `ssh-ed25519 AAAA…`, in the order of their types. */
export async function hostKeysAt(
  { serverNamespace: namespace }: RoomNetwork,
  address: string,
): Promise<string[]> {
  const { stdout } = await run(["ssh-keyscan", "-T", "30", address], { namespace });
  const keys = stdout.split("\n").flatMap((line) => /^[^#\s]\S* (\S+ \S+)$/.exec(line)?.[1] ?? []);
  assert.notEqual(keys.length, 0, `${address} shows a host key`);
  return keys.sort();
}

/** The MAC that answers for an address, once something was said to it. */
export async function macAt(
  { serverNamespace: namespace }: RoomNetwork,
  address: string,
): Promise<string | null> {
  const { stdout } = await run(["ip", "neigh", "show", "to", address], { namespace });
  return / lladdr (\S+)/.exec(stdout)?.[1] ?? null;
}
