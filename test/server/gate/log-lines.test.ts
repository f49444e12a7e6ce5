/** What a stranger can write into the log of the real application: so many lines a minute of each kind, and their count. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { test } from "node:test";
import { pino } from "pino";
import { WebSocket } from "ws";
import { troubleLines, usualLines } from "../../../server/lab/rare-line.ts";
import { openApi } from "../api/open-api.ts";
import { hello, loginOf } from "../lab/hello.ts";

test("logins that are refused and frames that are none: few lines, however many there are", async () => {
  const logged: { readonly level: number; readonly msg: string; readonly address?: string }[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => logged.push(JSON.parse(line)) });
  await using api = await openApi("tokens", { log });
  const origin = await api.app.listen({ host: "127.0.0.1", port: 0 });
  const url = `${origin.replace("http", "ws")}/gate/v2/link`;
  const tries = troubleLines + 15;
  const ended = async (say: (socket: WebSocket) => void): Promise<void> => {
    const socket = new WebSocket(url).on("error", () => {});
    await once(socket, "open");
    say(socket);
    await once(socket, "close");
  };
  const linesOf = (text: RegExp) => logged.filter(({ msg }) => text.test(msg));
  for (let times = 0; times < tries; times++) {
    await ended((socket) => socket.send("hello"));
    // A frame with an opcode that RFC 6455 section 5.2 keeps for later.
    await ended((socket) =>
      (socket as unknown as { _socket: Socket })._socket.write("\x87\x80aaaa"),
    );
  }
  assert.equal(linesOf(/^a login was refused/).length, troubleLines);
  assert.equal(linesOf(/^a WebSocket failed/).length, troubleLines);
  assert(logged.filter(({ level }) => level >= 40).every(({ address }) => address === "127.0.0.1"));
  assert(logged.length < 3 * troubleLines, `${logged.length} lines`);
});

test("a PC that comes and goes without end: so many lines a minute", async () => {
  const logged: string[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => void logged.push(line) });
  await using api = await openApi("local", { log });
  const { connections } = api.lab;
  const login = loginOf(hello("52:54:00:00:00:01"));
  for (let times = 0; times < 2 * usualLines; times++) {
    const { pc } = connections.login(login);
    connections.connected(pc, login);
    connections.lost(pc, "connection closed");
  }
  for (const text of ["PC connected", "PC lost"])
    assert.equal(logged.filter((line) => line.includes(text)).length, usualLines, text);
});
