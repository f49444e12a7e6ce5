/** The command line from another host of the network, with an operator's token. */
import assert from "node:assert/strict";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { run } from "../room/run.ts";
import { type HostRoom, openHostRoom, program } from "./hosts.ts";

let room: HostRoom;
let namespace = "";
const tokenFile = (): string => join(room.folder, "token");

before(async () => {
  room = await openHostRoom();
  await room.startServer();
  ({ namespace } = await room.network.addHost(9));
});
after(() => room?.close());

const server = (): string[] => ["--server", "https://10.77.0.1:8443", "--pin", room.pin()];

async function remote(...words: string[]) {
  let said = "";
  const there = [...server(), "--token-file", tokenFile(), "--json"];
  const { status, stderr } = await run([...program, ...there, ...words], {
    namespace,
    accept: [0, 1, 2, 3, 4, 5],
    onLine: (line) => {
      said += `${line}\n`;
    },
  });
  return { status, stderr, said };
}

test("an operator's token works from elsewhere, within its role, until it is removed", async () => {
  const added = await room.roomcast(
    "operator",
    "add",
    "ann",
    "--role",
    "viewer",
    "--out",
    tokenFile(),
  );
  assert.equal(added.status, 0, added.stderr);
  assert.equal((await stat(tokenFile())).mode & 0o777, 0o600);
  const listed = await remote("room", "list");
  assert.equal(listed.status, 0, listed.stderr);
  assert.match(listed.said, /"name":"default"/);
  const refused = await remote("room", "create", "lab1");
  assert.equal(refused.status, 4, refused.stderr);
  assert.match(refused.stderr, /ann is a viewer, and this needs an operator/);
  assert.equal((await room.roomcast("operator", "remove", "ann")).status, 0);
  const gone = await remote("room", "list");
  assert.equal(gone.status, 4, gone.stderr);
  assert.match(gone.stderr, /operator add/);
});

test("without a token, or with none that is there, the command says what to do", async () => {
  const words = [...server(), "status"];
  const none = await run([...program, ...words], { namespace, accept: [2] });
  assert.equal(none.status, 2);
  await writeFile(tokenFile(), "nobody.nothing\n");
  assert.equal((await remote("status")).status, 4);
  const nowhere = await run(
    [...program, "--server", "https://10.77.0.1:1", "--token-file", tokenFile(), "status"],
    { namespace, accept: [3] },
  );
  assert.equal(nowhere.status, 3);
});

test("a token goes to no address in clear, and to no server with another key", async () => {
  const said = async (status: number, ...where: string[]): Promise<string> => {
    const words = [...where, "--token-file", tokenFile(), "status"];
    return (await run([...program, ...words], { namespace, accept: [status] })).stderr;
  };
  assert.match(await said(2, "--server", "http://10.77.0.1:8080"), /use the https address/);
  const gate = ["--server", "https://10.77.0.1:8443"];
  const other = `sha256:${"A".repeat(43)}=`;
  assert.match(await said(4, ...gate, "--pin", other), /shows the key sha256:.* trust show/);
  assert.match(await said(4, ...gate), /is not trusted .*--pin/);
});

test("the server's log and history name who did what", async () => {
  const log = await readFile(room.serverLog, "utf8");
  assert.match(log, /add an operator, name=ann role=viewer/);
  const history = await room.roomcast("history", "--operator", "local");
  const events = history.value as { text: string }[];
  assert(events.some(({ text }) => text.includes("remove an operator")));
});
