/**
 * A PC with another's address and name, and a key of its own. It logs in as the protocol says, asks for all
 * that a PC can ask for and claims the other's work, again and again; a line of JSON for whatever comes of it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { PinnedServer } from "../../../core/node/pinned.ts";
import type { Hello } from "../../../core/wire/hello.ts";
import { memoryProver } from "../../../initrd/agent/keys.ts";
import { gateRows } from "../../../server/gate/table.ts";
import { greetOf, newNonce, proofOf } from "../../server/gate/login.ts";

const { url, pin, hello, session, imageId, typedPin } = JSON.parse(process.argv[2] as string) as {
  readonly url: string;
  readonly pin: string;
  readonly hello: Hello;
  readonly session: string;
  readonly imageId: string;
  readonly typedPin: string;
};
const server = new PinnedServer(async () => ({ url: new URL(url), pins: [pin] }));
const tell = (what: object): void => console.log(JSON.stringify(what));

async function askOverHttp(): Promise<void> {
  for (const { method, path } of gateRows.filter(({ role }) => role !== null)) {
    const place = path
      .replace(":id", imageId)
      .replace(":task", session)
      .replace(":name", "lab")
      .replace(":entry", "0");
    const body = method === "PUT" || method === "POST" ? { body: "{}" } : {};
    const answer = await server.fetch(place, { method, ...body });
    tell({ asked: `${method} ${path}`, status: answer.status });
    await answer.bytes();
  }
}

const prover = memoryProver();
const { socket, exporter } = await server.openLink("/gate/v2/link");
const say = (message: object): void => socket.send(JSON.stringify(message));
const pcNonce = newNonce();
socket.onclose = ({ reason }) => tell({ closed: reason });
socket.onmessage = async ({ data }) => {
  const heard = JSON.parse(String(data)) as { type: string; nonce: string };
  if (heard.type !== "alive") tell({ heard });
  if (heard.type === "challenge")
    say(await proofOf({ prover, hello, exporter, serverNonce: heard.nonce, pcNonce }));
};
if (socket.readyState !== socket.OPEN) await new Promise((resolve) => (socket.onopen = resolve));
say(greetOf(pcNonce));
await sleep(500);
await askOverHttp();

const work = { session, attempt: 1 };
const counters = {
  ...{ bytesWanted: 1, bytesReceived: 1, bytesWritten: 1, bytesVerified: 1 },
  ...{ chunksKept: 0, chunksWritten: 1, forgedPackets: 0, lossRatio: null, writeBps: null },
};
const failed = { outcome: "failed", reason: "claimed", next: null, rootHash: null, counters: null };
const [disk] = hello.disks;
for (;;) {
  for (const view of ["list", "targets", "check"]) say({ type: "grant-request", view });
  say({ type: "unlock", pin: typedPin });
  say({ type: "ask", want: { action: "stop", session } });
  say({ type: "ready", ...work, disk, counters });
  say({ type: "delivery", ...work, way: "http", reason: "claimed" });
  say({ type: "alive", state: "failed", report: { ...work, phase: "done", end: failed } });
  await sleep(1000);
}
