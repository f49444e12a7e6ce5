/** A shell on a PC through the server: what is typed and shown, its size, its limits, and who is told. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type OpenShell, openShell } from "../../client/api/shell-client.ts";
import type { HistoryEvent } from "../../core/wire/api.ts";
import type { ShellSize } from "../../core/wire/shell.ts";
import { type HostRoom, openHostRoom } from "./hosts.ts";

let room: HostRoom;

before(async () => {
  room = await openHostRoom();
  await room.startServer();
  await room.addHost(1, 1 << 20, "--shell");
  await room.addHost(2, 1 << 20);
  await room.until(
    () => room.pcs(),
    (pcs) => pcs.filter(({ state }) => state === "idle").length === 2,
    20,
  );
});
after(() => room?.close());

interface Terminal extends OpenShell {
  /** Everything shown so far. */
  text(): string;
  until(pattern: RegExp): Promise<void>;
}

async function open(pc: string, size: ShellSize = { columns: 80, lines: 24 }): Promise<Terminal> {
  let text = "";
  const shell = await openShell(
    { place: { socketPath: join(room.data, "roomcast.sock") }, server: null },
    {
      pc,
      term: "xterm",
      size,
      onShown: (bytes) => {
        text += Buffer.from(bytes).toString();
      },
    },
  );
  return {
    ...shell,
    text: () => text,
    until: async (pattern) => {
      await room.until(
        async () => text.slice(-2000),
        () => pattern.test(text),
        20,
      );
    },
  };
}

test("what is typed runs on the PC, and what it prints is shown; its exit status comes back", async () => {
  const shell = await open("host1");
  shell.type("echo $((6*7)) $TERM\n");
  await shell.until(/42 xterm/);
  shell.type("exit 5\n");
  assert.deepEqual(await shell.ended, { type: "ended", status: 5, reason: null });
});

test("the terminal has the operator's size, and takes a new one", async () => {
  const shell = await open("host1", { columns: 132, lines: 43 });
  shell.type("stty size\n");
  await shell.until(/43 132/);
  shell.resize({ columns: 71, lines: 20 });
  shell.type("stty size\n");
  await shell.until(/20 71/);
  shell.close();
});

test("a flood of output stops nobody: the agent stays connected, and the last line arrives", async () => {
  const shell = await open("host1");
  shell.type("head -c 12000000 /dev/zero | tr '\\0' 'x'; echo; echo done-$((40+2))\n");
  await shell.until(/done-42/);
  assert(shell.text().length > 12_000_000, `${shell.text().length} characters`);
  const pcs = await room.pcs();
  assert.equal(pcs.find(({ name }) => name === "host1")?.state, "idle");
  shell.close();
});

test("a PC has four at most; a room may have none; a host has none unless it was started so", async () => {
  const shells = [];
  for (let number = 0; number < 4; number++) shells.push(await open("host1"));
  await assert.rejects(open("host1"), /4 shells are open on host1 \(local, /);
  for (const shell of shells) shell.close();
  await room.roomcast("room", "set", "default", "--shell", "off");
  await assert.rejects(open("host1"), /set to allow no shells/);
  await room.roomcast("room", "set", "default", "--shell", "on");
  const elsewhere = await open("host2");
  assert.match((await elsewhere.ended).reason ?? "", /--shell/);
  await assert.rejects(open("nobody"), /there is no PC/);
});

test("who opened a shell, where and for how long is in the history of the PC", async () => {
  const { value } = await room.roomcast("history", "--pc", "host1", "--operator", "local");
  const texts = (value as HistoryEvent[]).map(({ text }) => text);
  assert(texts.includes("local opened a shell"), texts.join("; "));
  assert(texts.some((text) => /^the shell of local is closed after \d+ s$/.test(text)));
});

test("a server that goes takes its shells along, and says so", async () => {
  const shell = await open("host1");
  shell.type("echo $$\n");
  await shell.until(/\d+/);
  await room.endServer("SIGKILL");
  assert.match((await shell.ended).reason ?? "", /broke/);
});
