/** Every message of the link, said by whoever has proven no key, and by a PC that the work was not given to. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { WebSocket } from "ws";
import type { AgentMessage } from "../../core/wire/agent-message.ts";
import { bulkKind, encodeBulk } from "../../core/wire/bulk.ts";
import { diskOf } from "../client/console/fake-lab.ts";
import { type Granted, openGranted } from "../server/gate/granted.ts";
import { greetOf, newNonce } from "../server/gate/login.ts";
import { helloOf } from "../server/lab/hello.ts";
import { testKey } from "../tls.ts";

let lab: Granted;
let url = "";

before(async () => {
  lab = await openGranted({ tls: await testKey() });
  const origin = await lab.api.app.listen({ host: "127.0.0.1", port: 0 });
  url = `${origin.replace("https", "wss")}/gate/v2/link`;
});
after(() => lab.close());

/** One of each, as the PC that is restored would say it. */
function messages(): { readonly [T in AgentMessage["type"]]: AgentMessage & { type: T } } {
  const work = { session: lab.restore, attempt: 1 };
  const counters = {
    ...{ bytesWanted: 1, bytesReceived: 1, bytesWritten: 1, bytesVerified: 1 },
    ...{ chunksKept: 0, chunksWritten: 1, forgedPackets: 0, lossRatio: null, writeBps: null },
  };
  const image = lab.api.images.find(lab.imageId);
  const rootHash = image?.rootHash ?? "";
  const end = { outcome: "verified", reason: null, next: null, rootHash, counters } as const;
  const stats = {
    ...{ rateBps: 1, bytesSent: 1, parityBytes: 0, repairBytes: 0 },
    ...{ passes: 9, entriesOpen: 0, framesIgnored: 0, receivers: [] },
  };
  return {
    alive: { type: "alive", state: "idle", report: { ...work, phase: "done", end } },
    ready: { type: "ready", ...work, disk: diskOf(4), counters },
    progress: {
      ...{ type: "progress", ...work, phase: "receiving" },
      ...{ bytesDone: 1, bytesTotal: 1, counters },
    },
    delivery: { type: "delivery", ...work, way: "http", reason: null },
    "cast-stats": { type: "cast-stats", session: lab.cast, attempt: 1, stats },
    ask: { type: "ask", want: { action: "stop", session: lab.restore } },
    unlock: { type: "unlock", pin: "2468" },
    "grant-request": { type: "grant-request", view: "list" },
    seen: { type: "seen", request: "1", lines: ["x"] },
    heard: {
      ...{ type: "heard", request: "1", received: [1], dropped: 0 },
      ...{ speedMbps: null, duplex: null, errors: null, reason: null },
    },
    "shell-ended": { type: "shell-ended", shell: 1, status: 0, reason: null },
  };
}

/** Of PCs, sessions, and what waits for an operator. */
const state = (): string =>
  JSON.stringify([lab.api.lab.sessions.views(), lab.api.state.pcs(), lab.api.lab.requests.list()]);

/** What the server says, and how it ends the connection. */
async function told(frames: readonly (string | Uint8Array)[]): Promise<string> {
  const socket = new WebSocket(url, { rejectUnauthorized: false });
  const heard: string[] = [];
  socket.on(
    "message",
    (data) => void heard.push((JSON.parse(String(data)) as { type: string }).type),
  );
  await once(socket, "open");
  const closed = once(socket, "close");
  for (const frame of frames) socket.send(frame);
  const [code] = (await closed) as [number];
  // Signs of life are for everybody.
  return [...heard.filter((type) => type !== "alive"), code].join(" ");
}

test("before a proof every message ends the connection, and is heard by nobody", async () => {
  const before = state();
  const greet = JSON.stringify(greetOf(newNonce()));
  const texts = [...Object.values(messages()), helloOf("52:54:00:00:00:04")].map((message) =>
    JSON.stringify(message),
  );
  const bulk = Object.values(bulkKind).map((kind) => encodeBulk(kind, 1, new Uint8Array(8)));
  assert(texts.length > 10 && bulk.length > 1);
  for (const frame of [...texts, ...bulk]) {
    assert.equal(await told([frame, ...texts]), "4001", String(frame));
    assert.equal(await told([greet, frame, ...texts]), "challenge 4001", String(frame));
  }
  assert.equal(state(), before);
});

test("of work that was given to another PC no word counts", async () => {
  const { pcs, api, restore } = lab;
  const [stranger = "", , , worker = ""] = pcs;
  const all = messages();
  const sayAll = (pc: string): void => {
    for (const type of ["ready", "delivery", "progress", "cast-stats", "alive"] as const)
      api.lab.connections.message(pc, all[type]);
  };
  const of = () => api.lab.sessions.find(restore).members[0];
  const before = of();
  sayAll(stranger);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(of(), before);
  sayAll(worker);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(of()?.result, "verified", "by the PC itself they do");
});
