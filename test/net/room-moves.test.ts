/** Two whole servers of a campus, each on a network of its own: a room moves from one to the other, and back. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { MovedRoomView } from "../../core/wire/campus.ts";
import type { PcView } from "../../core/wire/views.ts";
import { TestPostgres } from "../postgres.ts";
import { serverInterface } from "../room/network.ts";
import { run } from "../room/run.ts";
import { type Answer, mib, openHostRoom, program } from "./hosts.ts";
import { endPrograms, Program } from "./program.ts";

const diskBytes = 16 * mib;

test("a room goes to another server with its PCs, one of which is known there by its key, and back", async () => {
  await using cleanup = new AsyncDisposableStack();
  const room = await openHostRoom();
  cleanup.defer(() => room.close());
  cleanup.defer(() => endPrograms());
  const database = cleanup.use(await TestPostgres.start());
  const url = database.socketUrl(await database.database());
  const secret = join(room.folder, "s3.secret");
  await writeFile(secret, "secret", { mode: 0o600 });
  const seal = join(room.folder, "campus.key");
  await writeFile(seal, "5".repeat(64), { mode: 0o600 });
  const configOf = async (name: string): Promise<string> => {
    const file = join(room.folder, `${name}.toml`);
    // The storage is away: rooms need none.
    await writeFile(
      file,
      `[server]\nname = "${name}"\n[state]\nurl = "${url}"\n[store]\nseal = "${seal}"
[store.s3]\nendpoint = "http://127.0.0.1:9"\nregion = "r"\nbucket = "rooms"\nforcePathStyle = true
accessKeyFile = "${secret}"\nsecretKeyFile = "${secret}"\n`,
    );
    return file;
  };
  const data = join(room.folder, "beta");
  await mkdir(data);
  const serve = async (name: string, folder: string, wire: string): Promise<Program> => {
    const words = ["--data", folder, "serve", "--interface", wire, "--dhcp", "off"];
    const config = ["--config", await configOf(name)];
    const { serverNamespace } = room.network;
    const server = new Program(serverNamespace, [...program, ...words, ...config]);
    await server.line(/^roomcast ready/, 0, 120);
    return server;
  };
  await serve("alpha", room.data, serverInterface);
  const server = await serve("beta", data, await room.network.addWire(1));
  const beta = async (...order: string[]): Promise<Answer> => {
    let value: unknown;
    const { status, stderr } = await run(
      [...program, "--data", data, "--json", "--yes", ...order],
      {
        accept: [0, 1, 2, 3, 4, 5],
        onLine: (line) => {
          if (/^[[{]/.test(line)) value = JSON.parse(line);
        },
      },
    );
    return { status, value, stderr };
  };

  const key = join(room.folder, "host1.key");
  const host = await room.addHost(1, diskBytes, "--key", key);
  const named = async (pcs: Promise<Answer>, accept: (pc: PcView) => boolean) =>
    ((await pcs).value as PcView[]).find(accept);
  const first = await room.until(
    () => named(room.roomcast("pc", "list"), ({ state }) => state === "idle"),
    (pc) => pc !== undefined,
    60,
  );
  assert.equal((await room.roomcast("room", "create", "lab1")).status, 0);
  const placing = ["pc", "set", "host1", "--room", "lab1", "--seat", "s1", "--field", "asset=7"];
  assert.equal((await room.roomcast(...placing)).status, 0);
  assert.equal((await room.roomcast("room", "set", "lab1", "--grow", "none")).status, 0);

  const there = await beta("room", "move", "lab1", "--server", "beta");
  assert.equal(there.status, 0, there.stderr);
  const { move, settings, pcs } = there.value as MovedRoomView;
  assert.deepEqual([move.from, move.notes, settings.grow, pcs], ["alpha", [], "none", 1]);
  const [came] = (await beta("pc", "list")).value as PcView[];
  assert.deepEqual(
    [came?.id, came?.name, came?.room, came?.seat, came?.identity?.state],
    [first?.id, "host1", "lab1", "s1", "placed"],
  );
  // At alpha it is nobody, and is told where its room is.
  const back = await room.until(
    () => named(room.roomcast("pc", "list"), ({ moved }) => moved !== undefined),
    (pc) => pc !== undefined,
    60,
  );
  assert.deepEqual(back?.moved, { room: "lab1", server: "beta" });
  assert.deepEqual([back?.identity?.state, back?.room], ["waiting", "default"]);

  // It is started in beta's network, and is the same PC.
  await host.kill();
  await room.addHostOn(1, 2, diskBytes, ...["--key", key, "--mac", host.mac, "--name", "other"]);
  const moved = await room.until(
    () => named(beta("pc", "list"), ({ state }) => state === "idle"),
    (pc) => pc !== undefined,
    60,
  );
  assert.deepEqual(
    [moved?.id, moved?.name, moved?.seat, moved?.identity?.level, moved?.fields],
    [first?.id, "host1", "s1", "placed", { asset: "7" }],
  );

  await server.child.kill("SIGKILL");
  const home = await room.roomcast("room", "move", "lab1", "--server", "alpha");
  // Beta was heard within a minute, and does not answer.
  assert.equal(home.status, 1, JSON.stringify(home));
  assert.match(home.stderr, /stays at the server beta, which did not answer/);
  await room.until(
    () => room.roomcast("room", "move", "lab1", "--server", "alpha"),
    ({ status }) => status === 0,
    120,
  );
  const [again] = ((await room.roomcast("pc", "list")).value as PcView[]).filter(
    ({ name }) => name === "host1",
  );
  assert.deepEqual([again?.room, again?.seat, again?.identity?.state], ["lab1", "s1", "placed"]);
});
