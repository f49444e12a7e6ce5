/** A lab server as an agent sees it: what it says is heard, and it says what the test wants. */

import type { WebSocket } from "@fastify/websocket";
import websocket from "@fastify/websocket";
import fastify, { type FastifyInstance } from "fastify";
import { assert } from "../../../core/errors.ts";
import { formsOf } from "../../../core/image/forms.ts";
import { encodeHead } from "../../../core/image/image-head.ts";
import { encodeIndex } from "../../../core/image/index-codec.ts";
import { rootHashOf } from "../../../core/image/merkle.ts";
import { type IndexEntry, indexEntryBytes, type Manifest } from "../../../core/image/types.ts";
import { writeSha256 } from "../../../core/node/hash.ts";
import { canonicalJson } from "../../../core/units/canonical-json.ts";
import { type AgentMessage, decodeAgentMessage } from "../../../core/wire/agent-message.ts";
import { bulkKind, decodeBulk, decodeNumbered } from "../../../core/wire/bulk.ts";
import { usualRule } from "../../../core/wire/disk-policy.ts";
import type { Hello } from "../../../core/wire/hello.ts";
import { controlProtocol } from "../../../core/wire/login.ts";
import type { RestoreOrder, WipeOrder } from "../../../core/wire/orders.ts";
import type { ServerMessage } from "../../../core/wire/server-message.ts";
import type { End, Work } from "../../../core/wire/work.ts";
import { channelOf } from "../../../server/gate/channel.ts";
import { LoginCheck } from "../../../server/gate/proof.ts";
import { castKeys } from "../../core/cast/keys.ts";
import type { FakeImage } from "../../imaging/restore/fake-disk.ts";
import { testKey } from "../../tls.ts";

export interface FakeServer {
  readonly url: string;
  readonly pin: string;
  /** All that the agent said since its last hello, and its hellos. */
  readonly heard: (AgentMessage | Hello)[];
  /** Bitmaps of `wants` frames. */
  readonly wants: Uint8Array[];
  readonly reports: Uint8Array[];
  /** The first entry of each `entries` frame of a live cast's sender, and how many are in it. */
  readonly entries: { readonly first: number; readonly count: number }[];
  /** Plans of live casts that came by HTTP. */
  plans: number;
  readonly rootHash: string;
  connections: number;
  /** Answers to a login; null: says nothing. */
  welcome: { protocol: number; name: string } | null;
  /** The code in the welcome; null: the right one. */
  code: string | null;
  /** Closes the connection at a greeting with code 4400 and this reason. */
  refusal: string | null;
  /** Says `alive` each second. */
  isAlive: boolean;
  /** Answers an end that is reported with the `cancel` that settles it. */
  settles: boolean;
  /** Changes the stored bytes that go out over HTTP. */
  spoil: (entryIndex: number, stored: Uint8Array) => Uint8Array;
  /** Chunks wait this long, in milliseconds. */
  chunkDelay: number;
  chunksServed: number;
  /** What its orders carry, and every request over HTTP has to. */
  grant: string;
  /** What is this PC's alone: in its orders there is a grant for it; null: in none. */
  personal: unknown;
  /** That grant, which no other request may have. */
  personalGrant: string;
  /** What it gives who asks for one; null: it says no. */
  viewGrant: string | null;
  /** Requests that had none, or another. */
  refused: number;
  readonly isConnected: boolean;
  say(message: ServerMessage | string): void;
  restore(more?: Partial<RestoreOrder>): void;
  wipe(more?: Partial<WipeOrder>): void;
  cut(): void;
  /** The end of this work, once it is reported. */
  ended(work?: Partial<Work>): Promise<End>;
  /** The first message of this kind that was heard, or will be, after the `after`th. */
  heardOf<T extends (AgentMessage | Hello)["type"]>(
    type: T,
    accept?: (message: Extract<AgentMessage | Hello, { type: T }>) => boolean,
    after?: number,
  ): Promise<Extract<AgentMessage | Hello, { type: T }>>;
  close(): Promise<void>;
}

export const session = "s1";
/** Of whoever stands in for the cast. */
export const standInGrant = "stand-in";

/** Nothing is wanted of the agent at this work. */
export const cancel = (work: Work, reason: string): ServerMessage => ({
  type: "cancel",
  session: work.session,
  attempt: work.attempt,
  reason,
});

/** Listens on a port of its own on the loopback. */
/** `captured`: as the image was committed, before its chunks had the form in which they come. */
export async function openFakeServer(
  image: FakeImage,
  port = 0,
  captured: readonly IndexEntry[] = image.entries,
): Promise<FakeServer> {
  const key = await testKey();
  const app = fastify({
    forceCloseConnections: true,
    https: { key: key.key, cert: key.cert, minVersion: "TLSv1.3" },
  }) as unknown as FastifyInstance;
  await app.register(websocket);
  const index = encodeIndex(captured);
  const manifest: Manifest = {
    format: "roomcast-image",
    formatVersion: 1,
    id: "0123456789abcdef",
    name: "base",
    version: 1,
    capturedAt: "2026-11-23T00:00:00.000Z",
    source: "pc1 /dev/sda",
    diskBytes: image.content.length,
    logicalSector: 512,
    chunkBytes: 1 << 20,
    chunkCount: image.entries.length,
    usedBytes: image.content.length,
    storedBytes: image.stored.reduce((sum, { length }) => sum + length, 0),
    partitionTable: "none",
    partitions: [],
    rootHash: rootHashOf(index, writeSha256),
    warnings: [],
  };
  let socket: WebSocket | null = null;
  const waiting = new Set<() => void>();
  const personalPath = `/gate/v2/personal/${session}`;

  const server: FakeServer = {
    url: "",
    pin: key.pin,
    heard: [],
    wants: [],
    reports: [],
    entries: [],
    plans: 0,
    rootHash: manifest.rootHash,
    connections: 0,
    welcome: { protocol: controlProtocol, name: "pc1" },
    code: null,
    refusal: null,
    isAlive: true,
    settles: true,
    spoil: (_, stored) => stored,
    chunkDelay: 0,
    chunksServed: 0,
    grant: "first",
    personal: null,
    personalGrant: "own",
    viewGrant: "first",
    refused: 0,
    get isConnected() {
      return socket?.readyState === socket?.OPEN && socket !== null;
    },
    say(message) {
      assert(socket !== null, "an agent is connected");
      socket.send(typeof message === "string" ? message : JSON.stringify(message));
    },
    restore(more = {}) {
      server.say({
        type: "restore",
        session,
        attempt: 1,
        grant: server.grant,
        imageId: manifest.id,
        image: "base@1",
        cast: { tag: 77, group: "239.77.1.1", port: 7401, keys: castKeys },
        verify: "read-back",
        afterwards: "stay",
        disk: null,
        rule: usualRule,
        grow: "auto",
        scan: false,
        live: "no",
        personal: server.personal === null ? null : server.personalGrant,
        ...more,
      });
    },
    wipe(more = {}) {
      server.say({
        type: "wipe",
        session: "w1",
        attempt: 1,
        disk: null,
        rule: usualRule,
        method: "zero",
        ...more,
      });
    },
    async ended(work = {}) {
      const wanted = { session, attempt: 1, ...work };
      const { report } = await server.heardOf(
        "alive",
        (alive) =>
          alive.report?.phase === "done" &&
          alive.report.session === wanted.session &&
          alive.report.attempt === wanted.attempt,
      );
      assert(report?.end != null, "what is done has an end");
      return report.end;
    },
    cut() {
      socket?.terminate();
      socket = null;
    },
    async heardOf(type, accept = () => true, after = 0) {
      for (;;) {
        for (const message of server.heard.slice(after)) {
          if (message.type === type && accept(message as never)) return message as never;
        }
        await new Promise<void>((wake) => waiting.add(wake));
      }
    },
    async close() {
      clearInterval(alive);
      server.cut();
      await app.close();
    },
  };

  app.get("/gate/v2/link", { websocket: true }, (accepted, request) => {
    server.connections++;
    socket = accepted;
    const login = new LoginCheck(() => channelOf(request));
    let isIn = false;
    accepted.on("error", () => {});
    accepted.on("message", (data: Buffer, isBinary: boolean) => {
      if (isBinary) takeBulk(data);
      else if (!isIn) isIn = takeLogin(accepted, login, data.toString());
      else {
        const decoded = decodeAgentMessage(data.toString());
        assert(decoded.ok, `the agent says what the protocol has: ${JSON.stringify(decoded)}`);
        server.heard.push(decoded.value);
        if (decoded.value.type === "grant-request") {
          const { view } = decoded.value;
          const { viewGrant } = server;
          const reason = viewGrant === null ? "an operator has to say" : null;
          server.say({ type: "grant", view, grant: viewGrant, reason });
        }
        if (decoded.value.type === "alive" && server.settles) {
          const { report } = decoded.value;
          if (report?.phase === "done") server.say(cancel(report, "settled"));
        }
      }
      for (const wake of waiting) wake();
      waiting.clear();
    });
  });
  /** Whether the agent is in. */
  const takeLogin = (to: WebSocket, login: LoginCheck, text: string): boolean => {
    if (server.refusal !== null) to.close(4400, server.refusal);
    if (server.refusal !== null || server.welcome === null) return false;
    const { protocol, name } = server.welcome;
    if (!login.isGreeted) {
      const challenge = login.greet(text);
      assert(challenge.ok, `the agent greets: ${JSON.stringify(challenge)}`);
      to.send(JSON.stringify({ ...challenge.value, protocol }));
      return false;
    }
    const proven = login.prove(text);
    assert(proven.ok, `the agent proves its key: ${JSON.stringify(proven)}`);
    server.heard.push(proven.value.hello);
    const welcome: ServerMessage = {
      ...{ type: "welcome", serverVersion: "9.9.9", pc: "p-1", name, room: "default" },
      ...{ time: "2026-11-23T00:00:00Z", level: "waiting", code: server.code ?? proven.value.code },
    };
    to.send(JSON.stringify(welcome));
    return true;
  };
  const takeBulk = (data: Buffer): void => {
    const decoded = decodeBulk(data);
    assert(decoded.ok && decoded.value.tag === 77, "a frame of this cast");
    const { kind, payload } = decoded.value;
    if (kind === bulkKind.entries) {
      const numbered = decodeNumbered(payload);
      assert(numbered.ok, "entries have a number");
      const count = numbered.value.rest.length / indexEntryBytes;
      server.entries.push({ first: numbered.value.number, count });
    } else (kind === bulkKind.wants ? server.wants : server.reports).push(new Uint8Array(payload));
  };
  const alive = setInterval(() => {
    if (server.isAlive && socket?.readyState === socket?.OPEN) {
      socket?.send(JSON.stringify({ type: "alive" }));
    }
  }, 1000);

  app.addHook("onRequest", async (request, reply) => {
    const { authorization } = request.headers;
    const isPersonal = request.url === personalPath;
    const grants = isPersonal ? [server.personalGrant] : [server.grant, standInGrant];
    if (request.ws || grants.some((each) => authorization === `Bearer ${each}`)) return;
    server.refused++;
    const answer = { code: "not-granted", message: "it is over", next: "wait" };
    return reply.code(authorization === undefined ? 401 : 403).send(answer);
  });
  app.get("/gate/v2/images", () => []);
  app.get(personalPath, () => server.personal);
  app.put(`/gate/v2/casts/${session}/plan`, (_, reply) => {
    server.plans++;
    reply.code(204).send();
  });
  const at = `/gate/v2/images/${manifest.id}`;
  app.get(`${at}/head`, (_, reply) => {
    reply.type("application/octet-stream");
    const forms = formsOf(encodeIndex(image.entries));
    return Buffer.from(
      encodeHead({ manifest: Buffer.from(canonicalJson(manifest)), index, forms }),
    );
  });
  app.get<{ Params: { entry: string } }>(`${at}/chunks/:entry`, async (request, reply) => {
    await new Promise((resolve) => setTimeout(resolve, server.chunkDelay));
    const entryIndex = Number(request.params.entry);
    server.chunksServed++;
    reply.type("application/octet-stream");
    return Buffer.from(server.spoil(entryIndex, new Uint8Array(image.stored[entryIndex] ?? [])));
  });
  const url = await app.listen({ host: "127.0.0.1", port });
  return Object.assign(server, { url });
}
