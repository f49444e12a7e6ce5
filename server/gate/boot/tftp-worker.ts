/**
 * The transfers' own thread: their sockets by the system's calls, and nothing else, so that a room that
 * loads its kernels by TFTP neither waits for the server's other work nor holds it up.
 */
import { readSync } from "node:fs";
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import koffi from "koffi";
import { TftpTransfer, type TransferStep } from "../../../core/boot/tftp-transfer.ts";
import { assert, errorText } from "../../../core/errors.ts";
import {
  bindTo,
  closeDescriptor,
  hasCome,
  openDatagramSocket,
  pollList,
  readiness,
  waitFor,
} from "../../../core/node/udp-calls.ts";
import { millis } from "../../../core/units/units.ts";
import { decodeTftp, encodeError, tftpError } from "../../../core/wire/tftp.ts";
import { contentOf } from "./tftp-content.ts";
import type { FromPump, PumpSetup, ToPump, TransferOrder } from "./tftp-pump.ts";

const libc = koffi.load("libc.so.6");
const recvfrom = libc.func(
  "int64_t recvfrom(int fd, void *into, size_t length, int flags, void *from, void *fromLength)",
);
const sendto = libc.func(
  "int64_t sendto(int fd, const void *data, size_t length, int flags, const void *to, uint32_t toLength)",
);
/** MSG_DONTWAIT */
const dontWait = 0x40;
/** A client's packet is an ACK of 4 bytes or an error's text. */
const packetLimit = 600;
/** Packets of one transfer before the others have their turn. */
const turnPackets = 8;
/** How exactly a silent client is waited for, out of seconds. */
const tickEveryMs = 50;

assert(parentPort !== null, "this runs as a worker");
const port = parentPort;
const { address, wakeDescriptor, counters } = workerData as PumpSetup;
const shared = new Int32Array(counters);
const say = (message: FromPump): void => port.postMessage(message);
const now = () => millis(performance.now());

interface Transfer {
  readonly order: TransferOrder;
  readonly fd: number;
  readonly machine: TftpTransfer;
  /** struct sockaddr_in of the client. */
  readonly client: Buffer;
  isLosing: boolean;
}

const transfers = new Map<number, Transfer>();
/** In the order of the list that is waited on; the wake descriptor is before them. */
let waiting: readonly Transfer[] = [];
let list = pollList({ fd: wakeDescriptor, events: readiness.readable });
const wakeCount = new Uint8Array(8);
const packet = Buffer.alloc(packetLimit);
const from = Buffer.alloc(16);
const fromLength = Buffer.alloc(4);

run();
port.close();

function run(): void {
  let tickAt = 0;
  for (;;) {
    waitFor(list, transfers.size === 0 ? 60_000 : tickEveryMs);
    const ready = waiting.filter((_, index) => hasCome(list, index + 1));
    if (hasCome(list, 0)) {
      readSync(wakeDescriptor, wakeCount);
      if (!takeOrders()) break;
    }
    for (const transfer of ready) if (transfers.get(transfer.order.id) === transfer) take(transfer);
    if (performance.now() < tickAt) continue;
    tickAt = performance.now() + tickEveryMs;
    for (const transfer of [...transfers.values()])
      perform(transfer, () => transfer.machine.tick(now()));
  }
  for (const { fd } of transfers.values()) closeDescriptor(fd);
}

/** Does what the owner said; false when that was to close. */
function takeOrders(): boolean {
  for (;;) {
    const message = receiveMessageOnPort(port)?.message as ToPump | undefined;
    if (message === undefined) return true;
    if (message.type === "close") return false;
    const transfer = message.type === "stop" ? transfers.get(message.id) : undefined;
    if (message.type === "start") start(message.order);
    else if (transfer !== undefined) end(transfer, null);
  }
}

function start(order: TransferOrder): void {
  const { id, client, source } = order;
  try {
    const fd = openDatagramSocket();
    const to = Buffer.alloc(16);
    to.writeUInt16LE(2, 0);
    to.writeUInt16BE(client.port, 2);
    to.set(client.address.split(".").map(Number), 4);
    const machine = new TftpTransfer(contentOf(source), order, now());
    const transfer = { order, fd, machine, client: to, isLosing: false };
    transfers.set(id, transfer);
    bindTo(fd, address, 0);
    relist();
    perform(transfer, () => machine.start(now()));
  } catch (error) {
    failed(id, error);
  }
}

/** What has come for one transfer. */
function take(transfer: Transfer): void {
  for (let count = 0; count < turnPackets; count++) {
    fromLength.writeUInt32LE(from.length);
    const length = Number(recvfrom(transfer.fd, packet, packet.length, dontWait, from, fromLength));
    if (length < 0) return;
    // RFC 1350 section 4: a packet from another port gets an error and disturbs nothing.
    if (from.compare(transfer.client, 2, 8, 2, 8) !== 0) {
      Atomics.add(shared, 0, 1);
      const error = encodeError(tftpError.unknownTransfer, "unknown transfer");
      sendto(transfer.fd, error, error.length, dontWait, from, from.length);
      continue;
    }
    const decoded = decodeTftp(packet.subarray(0, length));
    if (decoded.ok) perform(transfer, () => transfer.machine.take(decoded.value, now()));
    else Atomics.add(shared, 0, 1);
    if (!transfers.has(transfer.order.id)) return;
  }
}

function perform(transfer: Transfer, next: () => TransferStep): void {
  const { order, fd, machine, client } = transfer;
  try {
    const step = next();
    if (machine.isAnswered) shared[order.slot] = 1;
    // What the socket has no room for is lost, as on the wire, and asked for again.
    for (const sent of step.packets) sendto(fd, sent, sent.length, dontWait, client, client.length);
    if (machine.isLosingLargeBlocks && !transfer.isLosing) {
      transfer.isLosing = true;
      say({ type: "losing", id: order.id });
    }
    if (step.end !== null) end(transfer, step.end);
  } catch (error) {
    failed(order.id, error);
  }
}

/** Such as a file that cannot be read to its end. */
function failed(id: number, error: unknown): void {
  say({ type: "error", text: errorText(error) });
  const transfer = transfers.get(id);
  if (transfer === undefined) say({ type: "ended", id, end: null });
  else end(transfer, null);
}

function end(transfer: Transfer, outcome: TransferStep["end"]): void {
  transfers.delete(transfer.order.id);
  closeDescriptor(transfer.fd);
  relist();
  say({ type: "ended", id: transfer.order.id, end: outcome });
}

function relist(): void {
  waiting = [...transfers.values()];
  const sockets = waiting.map(({ fd }) => ({ fd, events: readiness.readable }));
  list = pollList({ fd: wakeDescriptor, events: readiness.readable }, ...sockets);
}
