import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type TftpContent,
  TftpTransfer,
  type TransferStep,
  triesLimit,
} from "../../../core/boot/tftp-transfer.ts";
import { type Millis, millis } from "../../../core/units/units.ts";

const patterned = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 255);

const inMemory = (bytes: Uint8Array): TftpContent => ({
  length: bytes.length,
  read: (offset, into) => into.set(bytes.subarray(offset, offset + into.length)),
});

const ack = (block: number) => ({ kind: "ack", block: block & 0xffff }) as const;
const open = (length: number, options: Record<string, string> = {}, mostBlockBytes = 1468) => {
  const wanted = new Map(Object.entries(options));
  return new TftpTransfer(inMemory(patterned(length)), { wanted, mostBlockBytes }, millis(0));
};

/** `OACK a=1 b=2`, or the numbers of DATA blocks with their lengths: `3:512`. */
function said({ packets }: TransferStep): string {
  const words = packets.map((packet) => {
    const text = Buffer.from(packet.subarray(2)).toString("latin1");
    if (packet[1] === 6) {
      const parts = text.split("\0");
      return `OACK ${parts.flatMap((name, index) => (index % 2 === 0 && name !== "" ? [`${name}=${parts[index + 1]}`] : [])).join(" ")}`;
    }
    assert.equal(packet[1], 3);
    return `${(packet[2] as number) * 256 + (packet[3] as number)}:${packet.length - 4}`;
  });
  return words.join(" ");
}

test("without options: blocks of 512, the first at once, each after its ACK", () => {
  const transfer = open(1100);
  assert.equal(said(transfer.start(millis(0))), "1:512");
  assert.equal(said(transfer.take(ack(1), millis(1))), "2:512");
  assert.equal(said(transfer.take(ack(2), millis(2))), "3:76");
  assert.equal(transfer.take(ack(3), millis(3)).end, "sent");
  assert.equal(transfer.deadline, undefined);
});

test("a file that fills its last block, and an empty one, end with an empty block", () => {
  const full = open(512);
  assert.equal(said(full.start(millis(0))), "1:512");
  assert.equal(said(full.take(ack(1), millis(0))), "2:0");
  assert.equal(full.take(ack(2), millis(0)).end, "sent");
  const empty = open(0, { tsize: "0" });
  assert.equal(said(empty.start(millis(0))), "OACK tsize=0");
  assert.equal(said(empty.take(ack(0), millis(0))), "1:0");
  assert.equal(empty.take(ack(1), millis(0)).end, "sent");
});

test("options: taken, lowered, or left out", () => {
  const oack = (options: Record<string, string>) => said(open(5000, options).start(millis(0)));
  assert.equal(oack({ blksize: "1432", tsize: "0" }), "OACK blksize=1432 tsize=5000");
  assert.equal(oack({ blksize: "65464" }), "OACK blksize=1468");
  assert.equal(oack({ windowsize: "9999" }), "OACK windowsize=64");
  assert.equal(oack({ windowsize: "4", timeout: "3" }), "OACK windowsize=4 timeout=3");
  for (const refused of [
    { blksize: "7" },
    { blksize: "0x200" },
    { blksize: "" },
    { windowsize: "0" },
    { timeout: "0" },
    { timeout: "256" },
    { multicast: "" },
  ])
    assert.equal(oack(refused as Record<string, string>), "1:512", JSON.stringify(refused));
});

test("no block is larger than a packet to the client may be", () => {
  const first = (blksize: string, most: number) => {
    const transfer = open(5000, { blksize }, most);
    const oack = said(transfer.start(millis(0)));
    return `${oack}, ${said(transfer.take(ack(0), millis(0)))}`;
  };
  assert.equal(first("65464", 1368), "OACK blksize=1368, 1:1368");
  assert.equal(first("1000", 1368), "OACK blksize=1000, 1:1000");
  assert.equal(first("1468", 512), "OACK blksize=512, 1:512");
});

test("large blocks of which none is acknowledged after the OACK are told as lost; small ones, and those that are taken, are not", () => {
  const isLosing = (blksize: string, takes: boolean): boolean => {
    const transfer = open(50_000, { blksize });
    transfer.start(millis(0));
    transfer.take(ack(0), millis(0));
    if (takes) transfer.take(ack(1), millis(1));
    transfer.tick(millis(1100));
    assert.equal(transfer.isLosingLargeBlocks, false, "the second time");
    transfer.tick(millis(2200));
    return transfer.isLosingLargeBlocks;
  };
  assert.equal(isLosing("1468", false), true);
  assert.equal(isLosing("1468", true), false);
  assert.equal(isLosing("512", false), false);
  const unheard = open(50_000, { blksize: "1468" });
  unheard.start(millis(0));
  for (const at of [1100, 2200, 3300]) unheard.tick(millis(at));
  assert.equal(unheard.isLosingLargeBlocks, false, "the OACK itself has no answer");
});

test("after an OACK, data starts with the ACK of block 0 and nothing else", () => {
  const transfer = open(5000, { blksize: "1000" });
  transfer.start(millis(0));
  assert.equal(transfer.isAnswered, false);
  assert.equal(said(transfer.take(ack(1), millis(0))), "");
  assert.equal(said(transfer.take(ack(0), millis(0))), "1:1000");
  assert.equal(transfer.isAnswered, true);
});

test("silence: the same again each second, eight times, then given up", () => {
  const transfer = open(5000);
  transfer.start(millis(0));
  transfer.take(ack(1), millis(10));
  assert.equal(said(transfer.tick(millis(1009))), "");
  for (let tries = 1; tries < triesLimit; tries++)
    assert.equal(said(transfer.tick(transfer.deadline as Millis)), "2:512");
  assert.equal(transfer.deadline, 8010);
  assert.equal(transfer.tick(millis(8010)).end, "given-up");
});

test("an ACK starts the count of tries anew; the timeout is the client's", () => {
  const transfer = open(50_000, { timeout: "5" });
  transfer.start(millis(0));
  transfer.take(ack(0), millis(0));
  for (let block = 1; block < 40; block++) {
    assert.equal(transfer.tick(millis(block * 5000)).end, null);
    assert.equal(said(transfer.take(ack(block), millis(block * 5000))), `${block + 1}:512`);
  }
});

test("an old or repeated ACK is not answered: no packet is doubled from there on", () => {
  const transfer = open(5000);
  transfer.start(millis(0));
  transfer.take(ack(1), millis(0));
  transfer.take(ack(2), millis(0));
  for (const block of [0, 1, 2, 4, 5, 0xffff])
    assert.equal(said(transfer.take(ack(block), millis(0))), "", `ACK ${block}`);
  assert.equal(said(transfer.take(ack(3), millis(0))), "4:512");
});

test("a window: sent at once, resumed from where the client says, answered once when it repeats itself", () => {
  const transfer = open(512 * 9 + 1, { windowsize: "4" });
  transfer.start(millis(0));
  assert.equal(said(transfer.take(ack(0), millis(0))), "1:512 2:512 3:512 4:512");
  assert.equal(said(transfer.take(ack(2), millis(0))), "3:512 4:512 5:512 6:512", "3 was lost");
  assert.equal(said(transfer.take(ack(2), millis(0))), "3:512 4:512 5:512 6:512", "lost again");
  assert.equal(said(transfer.take(ack(2), millis(0))), "");
  assert.equal(said(transfer.take(ack(6), millis(0))), "7:512 8:512 9:512 10:1");
  assert.equal(said(transfer.take(ack(6), millis(0))), "7:512 8:512 9:512 10:1", "7 was lost");
  assert.equal(transfer.take(ack(10), millis(0)).end, "sent");
});

test("the client's ERROR ends it, as firmware does that only asks for the size", () => {
  const transfer = open(5000, { tsize: "0" });
  transfer.start(millis(0));
  const error = { kind: "error", code: 8, message: "" } as const;
  assert.equal(transfer.take(error, millis(0)).end, "aborted");
  assert.equal(said(transfer.take(ack(0), millis(0))), "");
});

test("block numbers roll over after 65535", () => {
  const blocks = 70_000;
  const transfer = open(8 * blocks + 3, { blksize: "8", windowsize: "64" });
  const last = blocks + 1;
  transfer.start(millis(0));
  let step = transfer.take(ack(0), millis(0));
  for (let block = 64; step.end === null && block < blocks + 128; block += 64)
    step = transfer.take(ack(Math.min(block, last)), millis(0));
  assert.equal(step.end, "sent");
});

/** A client of RFC 1350 and 7440 behind a wire that loses, doubles and swaps what the seed says. */
function fetchOver(
  content: Uint8Array,
  options: Record<string, string>,
  fate: () => number,
): { received: Uint8Array; end: TransferStep["end"]; sentPackets: number } {
  const wanted = new Map(Object.entries(options));
  const transfer = new TftpTransfer(inMemory(content), { wanted, mostBlockBytes: 1468 }, millis(0));
  let now = 0;
  let sentPackets = 0;
  const blockBytes = Number(options.blksize ?? 512);
  const windowBlocks = Number(options.windowsize ?? 1);
  const received: number[] = [];
  /** The last block in order; -1: waits for the OACK. */
  let have = wanted.size > 0 ? -1 : 0;
  let sinceAck = 0;
  let isDone = false;
  let heardAt = 0;
  let end: TransferStep["end"] = null;
  const toServer: number[] = [];
  const toClient: Uint8Array[] = [];
  const put = <T>(queue: T[], item: T): void => {
    const roll = fate();
    if (roll < 0.05) return;
    if (roll < 0.1) queue.push(item);
    if (roll < 0.15) queue.unshift(item);
    else queue.push(item);
  };
  const perform = (step: TransferStep): void => {
    end ??= step.end;
    sentPackets += step.packets.length;
    for (const packet of step.packets) put(toClient, packet);
  };
  const acknowledge = (): void => {
    sinceAck = 0;
    put(toServer, Math.max(have, 0) & 0xffff);
  };
  perform(transfer.start(millis(0)));
  for (let turns = 0; end === null && turns < 200_000; turns++) {
    const packet = toClient.shift();
    const block = toServer.shift();
    if (packet !== undefined) {
      heardAt = now;
      if (packet[1] === 6) {
        if (have <= 0) {
          have = 0;
          acknowledge();
        }
      } else if (have >= 0) {
        const number = (packet[2] as number) * 256 + (packet[3] as number);
        const isNext = number === ((have + 1) & 0xffff);
        if (isNext && !isDone) {
          have++;
          sinceAck++;
          for (const byte of packet.subarray(4)) received.push(byte);
          isDone = packet.length - 4 < blockBytes;
        }
        if (!isNext || isDone || sinceAck >= windowBlocks) acknowledge();
      }
    }
    if (block !== undefined) perform(transfer.take(ack(block), millis(now)));
    if (packet === undefined && block === undefined) {
      now += 100;
      if (now - heardAt > 700 && have >= 0) {
        heardAt = now;
        acknowledge();
      }
      perform(transfer.tick(millis(now)));
    }
  }
  return { received: Uint8Array.from(received), end, sentPackets };
}

test("over a bad wire, with any options, the file arrives as it is", () => {
  const scenario = fc.record({
    length: fc.oneof(fc.nat(4000), fc.constantFrom(0, 511, 512, 513, 1024, 8192)),
    blksize: fc.constantFrom(undefined, "8", "512", "1428"),
    windowsize: fc.constantFrom(undefined, "1", "3", "16"),
    seed: fc.integer(),
  });
  let ended = 0;
  fc.assert(
    fc.property(scenario, ({ length, seed, ...wanted }) => {
      let state = seed;
      const fate = (): number => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return state / 2 ** 32;
      };
      const options = Object.fromEntries(
        Object.entries(wanted).filter(([, value]) => value !== undefined),
      ) as Record<string, string>;
      const content = patterned(length);
      const { received, end } = fetchOver(content, options, fate);
      // When the last ACK is lost again and again, the server gives up after the client has it all.
      assert.deepEqual(received, content);
      if (end === "sent") ended++;
    }),
    { numRuns: 200 },
  );
  assert(ended > 150, `${ended} of 200 ended well`);
});

test("on a good wire each block is sent once", () => {
  for (const windowsize of ["1", "4", "64"]) {
    const content = patterned(100_000);
    const { sentPackets, end } = fetchOver(content, { blksize: "1000", windowsize }, () => 1);
    assert.equal(end, "sent");
    assert.equal(sentPackets, 1 + 101, "the OACK, 100 blocks and the empty one");
  }
});
