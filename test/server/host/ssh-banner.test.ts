import assert from "node:assert/strict";
import { createServer, type Server } from "node:net";
import { after, test } from "node:test";
import { askSsh, bannerIn, macOf } from "../../../server/host/ssh-banner.ts";

const servers: Server[] = [];
after(() => {
  for (const server of servers) server.close();
});

/** The port of a server that says this to whoever comes, and keeps the connection or ends it. */
async function saying(text: string, ends = false): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    if (ends) socket.end(text);
    else socket.write(text);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

test("the banner is the line that begins with SSH-, whatever comes before it", async () => {
  const port = await saying("welcome\r\nSSH-2.0-OpenSSH_9.2p1 Debian-2\r\nmore");
  assert.equal((await askSsh("lo", "127.0.0.1", port))?.banner, "SSH-2.0-OpenSSH_9.2p1 Debian-2");
});

test("who says something else, too much, nothing, or is not there, is no SSH server", async () => {
  assert.equal(await askSsh("lo", "127.0.0.1", await saying("HTTP/1.1 400\r\n", true)), null);
  assert.equal(await askSsh("lo", "127.0.0.1", await saying("x".repeat(5000))), null);
  assert.equal(await askSsh("lo", "127.0.0.1", await saying("SSH-2.0-no end of line")), null);
  assert.equal(await askSsh("lo", "127.0.0.1", 1), null);
});

test("nobody is asked outside of the interface's own network", async () => {
  const port = await saying("SSH-2.0-x\r\n");
  assert.equal((await askSsh("lo", "127.0.0.1", port))?.banner, "SSH-2.0-x");
  assert.equal(await askSsh("no such interface", "127.0.0.1", port), null);
  assert.equal(await askSsh("lo", "192.0.2.1", port), null);
});

test("a banner moves no cursor and has an end", () => {
  assert.equal(bannerIn("SSH-2.0-\x1b[2J\r\n"), "SSH-2.0-?[2J");
  assert.equal(bannerIn(`SSH-${"x".repeat(900)}\n`)?.length, 255);
});

test("the neighbour of an address is its complete entry", () => {
  const table = [
    "IP address       HW type     Flags       HW address            Mask     Device",
    "10.77.0.5        0x1         0x2         52:54:00:00:00:01     *        lab0",
    "10.77.0.6        0x1         0x0         00:00:00:00:00:00     *        lab0",
  ].join("\n");
  assert.equal(macOf(table, "10.77.0.5"), "52:54:00:00:00:01");
  assert.equal(macOf(table, "10.77.0.6"), null);
  assert.equal(macOf(table, "10.77.0.7"), null);
});
