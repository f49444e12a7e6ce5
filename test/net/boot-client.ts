/**
 * Sends packets on its own from a network namespace, and says what it hears on port 68 as lines of hex.
 * Reads JSON lines: `{hex, to, port, from}`; with `from` 0 the datagram goes out with a source port of
 * 0, as no ordinary socket can. `boot-client.ts INTERFACE`
 */
import { createInterface } from "node:readline";
import koffi from "koffi";
import { openInterfaceSocket } from "../../server/host/interface-socket.ts";

interface Order {
  readonly hex: string;
  readonly to: string;
  readonly port: number;
  readonly from?: 0;
}

const [interfaceName = ""] = process.argv.slice(2);
const fail = (error: Error): void => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
};
const socket = await openInterfaceSocket(interfaceName, 68, fail);
socket.on("message", (bytes) => process.stdout.write(`${bytes.toString("hex")}\n`));

const libc = koffi.load(null);
const socketCall = libc.func("int socket(int domain, int type, int protocol)");
const sendto = libc.func(
  "int64_t sendto(int fd, const void *data, size_t length, int flags, const void *to, uint32_t toLength)",
);
/** AF_INET, SOCK_RAW, IPPROTO_UDP: the UDP header is ours to write. */
const raw: number = socketCall(2, 3, 17);

function sendFromPortZero({ hex, to, port }: Order): void {
  const data = Buffer.from(hex, "hex");
  const datagram = Buffer.alloc(8 + data.length);
  // Source port 0, no checksum.
  datagram.writeUInt16BE(port, 2);
  datagram.writeUInt16BE(datagram.length, 4);
  data.copy(datagram, 8);
  const address = Buffer.alloc(16);
  address.writeUInt16LE(2, 0);
  address.set(to.split(".").map(Number), 4);
  const sent = Number(sendto(raw, datagram, datagram.length, 0, address, address.length));
  if (sent !== datagram.length) fail(new Error(`raw send: ${sent}, errno ${koffi.errno()}`));
}

const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const order = JSON.parse(line) as Order;
  if (order.from === 0) sendFromPortZero(order);
  else socket.send(Buffer.from(order.hex, "hex"), order.port, order.to);
});
lines.on("close", () => socket.close());
process.stdout.write("ready\n");
