/**
 * Hostile datagrams for everything that reads the boot services' ports: what firmware sent, damaged; what
 * lies about its lengths; noise. The same seed, the same inputs.
 */
import { strict as assert } from "node:assert";
import { BootUuids } from "../../core/boot/boot-uuids.ts";
import { DhcpProxy } from "../../core/boot/dhcp-proxy.ts";
import { DhcpServer } from "../../core/boot/dhcp-server.ts";
import { DhcpWatch } from "../../core/boot/dhcp-watch.ts";
import { TftpTransfer } from "../../core/boot/tftp-transfer.ts";
import type { MacAddress } from "../../core/units/mac.ts";
import { millis } from "../../core/units/units.ts";
import { decodeArp } from "../../core/wire/arp.ts";
import { decodeDhcp, encodeDhcp } from "../../core/wire/dhcp/packet.ts";
import { decodeTftp } from "../../core/wire/tftp.ts";
import { decodeUdpFrame } from "../../core/wire/udp-frame.ts";
import { bytesOf, goldenPackets } from "../core/boot/golden.ts";
import { noSeats, shimFirst } from "../core/boot/loaders.ts";
import { seeded } from "../sim/random.ts";

export interface FuzzResult {
  readonly inputs: number;
  /** That were read as a message: noise alone would prove nothing. */
  readonly read: number;
  /** Packets that were answered with. */
  readonly answers: number;
}

/** Addresses. */
const rangeLength = 21;
/** MTU 1500 − 20 IP − 8 UDP. */
const frameBytes = 1472;
const own = {
  serverAddress: "10.77.0.1",
  netmask: "255.255.255.0",
  serverUrl: "http://10.77.0.1:8080",
  uefiLoaders: shimFirst,
  bootUuids: new BootUuids(),
  seats: noSeats,
};

/** Throws when a decoder or a machine does, or says what it must not. */
export function fuzzDhcp(count: number, seed: number): FuzzResult {
  const random = seeded(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const goldens = goldenPackets.map(bytesOf);
  const open = () =>
    new DhcpServer(
      {
        ...own,
        ...{ range: { first: 0x0a4d0064, last: 0x0a4d0063 + rangeLength }, fixed: new Map() },
        ...{ leaseSeconds: 600, router: null, dns: [], probesAddresses: true },
      },
      [],
    );
  const proxy = new DhcpProxy(own);
  const watch = new DhcpWatch(
    { ownAddress: "10.77.0.1", ownMac: "02:00:00:00:00:01" as MacAddress },
    millis(0),
  );
  let server = open();
  let read = 0;
  let answers = 0;
  for (let input = 0; input < count; input++) {
    if (input % 10_000 === 0) server = open();
    const bytes = damaged(goldens[below(goldens.length)] as Uint8Array, below);
    decodeUdpFrame(bytes);
    decodeArp(bytes);
    const decoded = decodeDhcp(bytes);
    if (!decoded.ok) continue;
    read++;
    const now = millis(1e12 + input * 50);
    const actions = server.handle(decoded.value, now);
    // Some addresses are in use, and now and then a host answers for whatever is asked.
    const hosts = 1 + 4 * below(3);
    const isAnswered = below(4) === 0;
    let probes = 0;
    for (const action of actions) {
      if (action.type !== "probe") continue;
      // Each address of the range once, and once more when a host begins to be doubted.
      assert(++probes <= 2 * rangeLength && action.doubted.length <= 64);
      const stranger = isAnswered ? [`02:00:00:00:00:0${below(hosts)}` as MacAddress] : [];
      const answered = [...action.doubted.slice(below(2)), ...stranger];
      actions.push(...server.probed(action, answered, now));
    }
    const source = { address: `10.77.0.${below(256)}`, port: 68 };
    for (const port of [67, 4011] as const) {
      for (const action of proxy.handle(decoded.value, port, source)) {
        if (action.type === "send") assert.equal(action.packet.yiaddr, "0.0.0.0");
        actions.push(action);
      }
    }
    watch.heard(decoded.value);
    for (const action of actions) {
      if (action.type !== "send") continue;
      answers++;
      assert.match(action.address, /^10\.77\.0\.\d+$|^255\.255\.255\.255$/);
      const answer = encodeDhcp(action.packet);
      assert(answer.length <= frameBytes && decodeDhcp(answer).ok);
    }
  }
  return { inputs: count, read, answers };
}

/** What is cut, changed, lengthened, given other options, or made of nothing. */
function damaged(golden: Uint8Array, below: (limit: number) => number): Uint8Array {
  if (below(20) === 0) return Uint8Array.from({ length: below(700) }, () => below(256));
  const bytes = new Uint8Array(golden.length + (below(4) === 0 ? below(400) : 0));
  bytes.set(golden);
  // Mostly among the options, where the lengths are.
  for (let change = below(6); change > 0; change--) {
    const from = below(3) === 0 ? 0 : 240;
    bytes[from + below(Math.max(1, bytes.length - from))] = below(256);
  }
  if (below(3) === 0) bytes[242] = 1 + below(9);
  return below(5) === 0 ? bytes.subarray(0, below(bytes.length)) : bytes;
}

const words = ["undionly.kpxe", "octet", "netascii", "blksize", "tsize", "windowsize", "timeout"];
const values = ["0", "1", "8", "512", "1468", "65464", "65535", "-1", "1e3", "9999999999", "", "x"];

/** Throws when a decoder or a transfer does, or sends what it must not. */
export function fuzzTftp(count: number, seed: number): FuzzResult {
  const random = seeded(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const pick = <T>(from: readonly T[]): T => from[below(from.length)] as T;
  const content = {
    length: 0,
    read(offset: number, into: Uint8Array): void {
      assert(offset >= 0 && offset + into.length <= this.length, "read beyond the end");
    },
  };
  const open = (wanted: ReadonlyMap<string, string>, now: number): TftpTransfer => {
    content.length = below(200_000);
    return new TftpTransfer({ ...content }, { wanted, mostBlockBytes: 1468 }, millis(now));
  };
  let transfer = open(new Map(), 0);
  let read = 0;
  let answers = 0;
  for (let input = 0; input < count; input++) {
    const bytes = request(below, pick);
    const decoded = decodeTftp(bytes);
    if (!decoded.ok) continue;
    read++;
    const packet = decoded.value;
    const step =
      packet.kind === "rrq" || packet.kind === "wrq"
        ? // biome-ignore lint/suspicious/noAssignInExpressions: the transfer that the next inputs go to
          (transfer = open(packet.options, input)).start(millis(input))
        : below(8) === 0
          ? transfer.tick(millis(input + below(3000)))
          : transfer.take(packet, millis(input));
    answers += step.packets.length;
    assert(step.packets.length <= 64);
    for (const sent of step.packets) assert(sent.length <= frameBytes);
  }
  return { inputs: count, read, answers };
}

function request(below: (limit: number) => number, pick: <T>(from: readonly T[]) => T): Uint8Array {
  const kind = below(10);
  // Acknowledgements, most of them of blocks near the beginning.
  if (kind < 6) return Uint8Array.of(0, 4, below(8) === 0 ? below(256) : 0, below(70));
  if (kind === 6) return Uint8Array.from({ length: below(600) }, () => below(256));
  const parts: number[] = [0, below(8) === 0 ? below(8) : 1 + below(2)];
  for (let part = 2 + below(9); part > 0; part--) {
    parts.push(...Buffer.from(pick(below(2) === 0 ? words : values), "latin1"));
    if (below(12) !== 0) parts.push(0);
  }
  const bytes = Uint8Array.from(parts);
  for (let change = below(3); change > 0; change--) bytes[below(bytes.length)] = below(256);
  return bytes;
}
