/** The cast's workers and sockets on this host's loopback. */
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { RoomcastError } from "../../../core/errors.ts";
import { receiversAhead } from "../../../core/node/cast/receiver.ts";
import { sendersAhead } from "../../../core/node/cast/sender.ts";
import { dataPacketBytes, headerBytes } from "../../../core/wire/cast.ts";
import { keysOf } from "../cast/keys.ts";
import {
  allWants,
  type CastPlace,
  castAddress,
  entriesOf,
  openReceiver,
  openSender,
} from "./cast-room.ts";
import { noiseOf } from "./noise-source.ts";

const mib = 1 << 20;
/** Whole chunks, compressed ones, a tiny one, and some that are zeros. */
const storedLengths = Array.from({ length: 40 }, (_, entry) => {
  if (entry % 8 === 7) return 0;
  return entry % 3 === 0 ? mib : 1 + ((entry * 104_729) % mib);
});

const within = async (seconds: number, work: Promise<unknown>[]): Promise<void> => {
  const timeout = sleep(seconds * 1000, "timeout", { ref: false });
  assert.notEqual(await Promise.race([Promise.all(work), timeout]), "timeout");
};

async function openCast(
  context: TestContext,
  receiverCount: number,
  slotCount = 16,
  place: CastPlace & { readonly mayUseCalls?: boolean } = castAddress(),
) {
  const sender = await openSender(place, storedLengths);
  context.after(() => sender.handle.close());
  const receivers = await Promise.all(
    Array.from({ length: receiverCount }, async (_, index) => {
      const id = index + 1;
      const receiver = await openReceiver(
        place,
        storedLengths,
        (payload) => sender.handle.report(id, payload),
        { slotCount, ...(index === 0 ? { corruptOnce: 4 } : {}) },
      );
      context.after(() => receiver.handle.close());
      return receiver;
    }),
  );
  return { sender, receivers };
}

test("three receivers on one host take every entry once", async (context) => {
  const { sender, receivers } = await openCast(context, 3);
  for (const id of [1, 2, 3]) sender.handle.join(id, allWants(storedLengths));
  await within(
    20,
    receivers.map(({ done }) => done),
  );
  await sleep(600);
  assert.equal(sender.stats?.entriesOpen, 0);
  const payload = storedLengths.reduce((sum, length) => sum + length, 0);
  assert((sender.stats?.bytesSent ?? 0) >= payload);
  for (const { stats } of receivers) {
    assert((stats?.packets ?? 0) > payload / 1408);
    assert.equal(stats?.packetsIgnored, 0);
  }
});

test("workers that were made ahead take one cast after the other", async () => {
  const [start, startSender] = [receiversAhead(), sendersAhead()];
  for (const turn of [1, 2, 3]) {
    const place = castAddress();
    const sender = await openSender(place, storedLengths, { start: startSender });
    const receiver = await openReceiver(
      place,
      storedLengths,
      (payload) => sender.handle.report(turn, payload),
      { start },
    );
    sender.handle.join(turn, allWants(storedLengths));
    await within(30, [receiver.done]);
    await Promise.all([sender.handle.close(), receiver.handle.close()]);
  }
});

test("a worker that was made ahead ends with its process", async (context) => {
  const child = fork(join(import.meta.dirname, "ahead-child.ts"));
  context.after(() => child.kill("SIGKILL"));
  await within(30, [once(child, "exit")]);
  assert.equal(child.exitCode, 0);
});

test("the same by Node's own sockets at both ends", async (context) => {
  const place = { ...castAddress(), mayUseCalls: false };
  const { sender, receivers } = await openCast(context, 2, 16, place);
  for (const id of [1, 2]) sender.handle.join(id, allWants(storedLengths));
  await within(
    30,
    receivers.map(({ done }) => done),
  );
  receivers[0]?.handle.forget(3);
});

test("one that joins late and one that forgets end with the others; four slots are enough", async (context) => {
  const { sender, receivers } = await openCast(context, 3, 4);
  const [first, second, third] = receivers;
  assert(first !== undefined && second !== undefined && third !== undefined);
  sender.handle.join(1, allWants(storedLengths));
  sender.handle.join(2, allWants(storedLengths));
  while (first.takenCount < 10) await sleep(5);
  sender.handle.join(3, allWants(storedLengths));
  await within(20, [first.done, second.done, third.done]);
  second.handle.forget(3);
  second.handle.refresh();
});

test("one slot is enough for who keeps beside it what it hears", async (context) => {
  const place = castAddress();
  const sender = await openSender(place, storedLengths);
  context.after(() => sender.handle.close());
  const receivers = await Promise.all(
    [{}, { slotCount: 1, keptBytes: 64 * mib }].map(async (options, index) => {
      const report = (payload: Uint8Array) => sender.handle.report(index + 1, payload);
      const receiver = await openReceiver(place, storedLengths, report, options);
      context.after(() => receiver.handle.close());
      return receiver;
    }),
  );
  for (const id of [1, 2]) sender.handle.join(id, allWants(storedLengths));
  await within(
    30,
    receivers.map(({ done }) => done),
  );
});

test("a sender started anew with the same tag goes on where the first one ended", async (context) => {
  const place = castAddress();
  let sender = await openSender(place, storedLengths, { rateLimitBps: 200e6 });
  const receiver = await openReceiver(place, storedLengths, (payload) =>
    sender.handle.report(7, payload),
  );
  context.after(() => receiver.handle.close());
  sender.handle.join(7, allWants(storedLengths));
  while (receiver.takenCount < 8) await sleep(5);
  await sender.handle.close();
  sender = await openSender(place, storedLengths);
  context.after(() => sender.handle.close());
  sender.handle.join(7, allWants(storedLengths));
  await within(30, [receiver.done]);
});

test("a live cast: entries are announced one by one and read in the owner's thread", async (context) => {
  const place = castAddress();
  const sender = await openSender(place, storedLengths, { isLive: true });
  context.after(() => sender.handle.close());
  const receiver = await openReceiver(
    place,
    storedLengths,
    (payload) => sender.handle.report(1, payload),
    { isLive: true },
  );
  context.after(() => receiver.handle.close());
  sender.handle.join(1, new Uint8Array(storedLengths.length / 8).fill(255));
  for (const [at, entry] of entriesOf(storedLengths).entries()) {
    sender.handle.announce(at, entry);
    receiver.handle.announce(at, entry);
    await sleep(2);
  }
  await within(30, [receiver.done]);
});

test("a damaged chunk ends the cast with its reason", async (context) => {
  const place = castAddress();
  const sender = await openSender(place, storedLengths, { damagedEntry: 2 });
  const receiver = await openReceiver(place, storedLengths, (payload) =>
    sender.handle.report(1, payload),
  );
  context.after(() => receiver.handle.close());
  sender.handle.join(1, allWants(storedLengths));
  await assert.rejects(sender.handle.ended, /entry 2 is damaged/);
  await sender.handle.close();
});

test("an interface that is not there is refused with what to do", async () => {
  const isNamed = (error: unknown) =>
    error instanceof RoomcastError && /192\.0\.2\.77/.test(error.message) && error.next !== "";
  for (const mayUseCalls of [true, false]) {
    const place = { ...castAddress(), interfaceAddress: "192.0.2.77", mayUseCalls };
    await assert.rejects(openSender(place, storedLengths), isNamed);
    await assert.rejects(
      openReceiver(place, storedLengths, () => {}),
      isNamed,
    );
  }
});

test("new keys in the middle: what is whole is kept, and what was made with the old ones comes again", async (context) => {
  for (const mayUseCalls of [true, false]) {
    const place = { ...castAddress(), mayUseCalls };
    const sender = await openSender(place, storedLengths, { rateLimitBps: 100e6 });
    context.after(() => sender.handle.close());
    const receiver = await openReceiver(place, storedLengths, (payload) =>
      sender.handle.report(1, payload),
    );
    context.after(() => receiver.handle.close());
    sender.handle.join(1, allWants(storedLengths));
    while (receiver.takenCount < 5) await sleep(5);
    sender.handle.rekey(keysOf(77));
    receiver.handle.rekey(keysOf(77));
    await within(30, [receiver.done]);
    await sleep(600);
    assert.equal(receiver.stats?.packetsForged, 0);
  }
});

test("without the keys nothing is heard, and what goes over the wire is not what is stored", async (context) => {
  const place = castAddress();
  const sender = await openSender(place, storedLengths, { rateLimitBps: 100e6 });
  context.after(() => sender.handle.close());
  const other = { ...place, keys: keysOf(99) };
  const stranger = await openReceiver(other, storedLengths, () => {});
  context.after(() => stranger.handle.close());
  const receiver = await openReceiver(place, storedLengths, (payload) =>
    sender.handle.report(1, payload),
  );
  context.after(() => receiver.handle.close());
  const heard: Buffer[] = [];
  const listener = createSocket({ type: "udp4", reuseAddr: true });
  context.after(() => listener.close());
  listener.on("message", (packet) => heard.push(packet));
  await new Promise<void>((bound) => listener.bind(place.port, place.group, bound));
  listener.addMembership(place.group, place.interfaceAddress);
  sender.handle.join(1, allWants(storedLengths));
  await within(30, [receiver.done]);
  await sleep(600);
  assert.equal(stranger.stats?.packets, 0);
  const data = heard.filter(({ length }) => length === dataPacketBytes);
  assert(data.length > 1000);
  for (const packet of data.slice(0, 300)) {
    const entry = packet.readUInt32LE(8);
    const stored = Buffer.from(noiseOf(entry, storedLengths[entry] as number));
    assert.equal(stored.indexOf(packet.subarray(headerBytes, headerBytes + 16)), -1);
  }
});
