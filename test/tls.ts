/** A gate's key for servers that a test plays, and HTTP without TLS where TLS is not what is tested. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { fetch } from "undici";
import { PinnedServer, type ServerHttp } from "../core/node/pinned.ts";
import { type GateKey, GateKeys } from "../server/gate/keys.ts";

/** A key of its own. */
export async function testKey(): Promise<GateKey> {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-key-"));
  try {
    return (await GateKeys.open(folder)).current;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const pinnedTo = (url: string, pin: string): PinnedServer =>
  new PinnedServer(async () => ({ url: new URL(url), pins: [pin] }));

/** HTTP in clear. */
export const plainHttp = (url: string): ServerHttp => ({
  fetch(path, { body = null, headers, ...init } = {}) {
    const sent = body === null || typeof body === "string" ? body : Readable.from(body);
    const more = { headers: { ...headers }, body: sent, duplex: "half" } as const;
    return fetch(new URL(path, url), { ...init, ...more });
  },
});

/** The certificate of a gate's key as it would be if it had run out in 1971; its signature is wrong, too. */
export function runOut(cert: string): string {
  const der = Buffer.from(cert.replace(/-----.*-----/g, ""), "base64");
  der.write("19710101000000Z", der.indexOf("99991231235959Z"), "latin1");
  const lines = (der.toString("base64").match(/.{1,64}/g) ?? []).join("\n");
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}
