import assert from "node:assert/strict";
import { test } from "node:test";
import {
  DhcpWatch,
  type OtherServer,
  otherServerTexts,
  type WatchFact,
} from "../../../core/boot/dhcp-watch.ts";
import { type MacAddress, parseMac } from "../../../core/units/mac.ts";
import { millis } from "../../../core/units/units.ts";
import {
  asciiBytes,
  type DhcpPacket,
  decodeDhcp,
  encodeDhcp,
  messageType,
  textOption,
} from "../../../core/wire/dhcp/packet.ts";

const ownMac = parseMac("020000000001") as MacAddress;
const open = () => new DhcpWatch({ ownAddress: "10.0.0.1", ownMac }, millis(0));

/** An OFFER of the server 10.0.0.LAST. */
function offer(last: number, changes: Partial<DhcpPacket> = {}): DhcpPacket {
  const fixed = { op: 2, xid: 1, secs: 0, broadcast: true, sname: "", file: "" } as const;
  const none = { ciaddr: "0.0.0.0", siaddr: "0.0.0.0", giaddr: "0.0.0.0" };
  const options = new Map([
    [53, Uint8Array.of(2)],
    [54, Uint8Array.of(10, 0, 0, last)],
  ]);
  return { ...fixed, ...none, yiaddr: "10.0.0.77", mac: ownMac, options, ...changes };
}
/** What the OFFER above says. */
const plain: OtherServer = {
  ...{ address: "10.0.0.5", givesAddresses: true, namesBootFile: false },
  ...{ bootsFrom: null, feignsPxe: false, isInOurName: false },
};
const texts = (mode: "server" | "proxy" | "off", ...servers: OtherServer[]) =>
  otherServerTexts(mode, "10.0.0.1", servers).join("\n");
const kinds = (facts: readonly WatchFact[]) => facts.map(({ kind }) => kind);

test("the question is a booting PC's DISCOVER that asks for a broadcast answer", () => {
  const { packet } = open().look(7, millis(0));
  const read = decodeDhcp(encodeDhcp(packet));
  assert(read.ok);
  assert.equal(messageType(read.value), 1);
  assert.equal(read.value.broadcast, true);
  assert.match(textOption(read.value, 60) ?? "", /^PXEClient/);
});

test("a server appears once; our own answers, and what is no answer, count for nothing", () => {
  const watch = open();
  assert.deepEqual(watch.heard(offer(1)), []);
  assert.deepEqual(watch.heard({ ...offer(5), op: 1 }), []);
  assert.deepEqual(watch.heard(offer(5, { options: new Map([[53, Uint8Array.of(2)]]) })), []);
  assert.deepEqual(watch.heard(offer(5)), [
    {
      kind: "appeared",
      server: plain,
    },
  ]);
  assert.deepEqual(watch.heard(offer(5)), []);
  assert.deepEqual(kinds(watch.heard(offer(5, { file: "pxelinux.0" }))), ["appeared"]);
  assert.equal(watch.servers.length, 1);
});

test("a proxyDHCP is told from a server that gives addresses", () => {
  const watch = open();
  const options = new Map([...offer(6).options, [60, asciiBytes("PXEClient")]]);
  watch.heard(offer(6, { yiaddr: "0.0.0.0", options }));
  const [server] = watch.servers;
  assert.deepEqual([server?.givesAddresses, server?.namesBootFile], [false, true]);
  assert.match(texts("server", server as OtherServer), /also tells PCs what to boot/);
});

test("gone after four looks without an answer, not before; one answer keeps it", () => {
  const watch = open();
  watch.heard(offer(5));
  let now = 0;
  const look = (): WatchFact["kind"][] => {
    now = watch.deadline;
    return kinds(watch.look(1, millis(now)).facts);
  };
  assert.deepEqual([look(), look(), look()], [[], [], []]);
  watch.heard(offer(5));
  assert.deepEqual([look(), look(), look(), look()], [[], [], [], ["gone"]]);
  assert.deepEqual(watch.servers, []);
  assert.equal(now, 360_000, "a look a minute");
});

test("a client that asks another server by name gives it away", () => {
  const watch = open();
  assert.deepEqual(watch.chosen("10.0.0.1"), []);
  assert.deepEqual(kinds(watch.chosen("10.0.0.8")), ["appeared"]);
});

test("what a person reads: only what has to be mended", () => {
  assert.match(texts("server", plain), /10\.0\.0\.5.*--dhcp proxy/);
  assert.equal(texts("proxy", plain), "", "that is what a proxy is beside");
  const booting = { ...plain, namesBootFile: true };
  assert.match(texts("proxy", booting), /^10\.0\.0\.5 also tells .*start from it/);
  assert.match(texts("proxy", { ...booting, bootsFrom: "10.0.0.9" }), /start from 10\.0\.0\.9/);
  assert.match(texts("off", booting), /boot from itself, and not from this server: .* 10\.0\.0\.1/);
  for (const mode of ["proxy", "off"] as const)
    assert.equal(texts(mode, { ...booting, bootsFrom: "10.0.0.1" }), "", "it sends PCs here");
});

test("two servers that give addresses are a fault beside which no mode is right", () => {
  const second = { ...plain, address: "10.0.0.6" };
  for (const mode of ["proxy", "off"] as const)
    assert.match(texts(mode, plain, second), /10\.0\.0\.5 and 10\.0\.0\.6 both give addresses/);
  assert.equal(texts("off"), "");
  assert.match(texts("proxy"), /no DHCP server answers/);
});

test("where PCs are sent to: by next-server, by a URL, by option 66", () => {
  const from = (changes: Partial<DhcpPacket>) => {
    const watch = open();
    watch.heard(offer(5, changes));
    return watch.servers[0]?.bootsFrom;
  };
  const with66 = new Map([...offer(5).options, [66, asciiBytes("10.0.0.8")]]);
  assert.equal(from({ file: "a.efi", siaddr: "10.0.0.7" }), "10.0.0.7");
  assert.equal(from({ file: "http://10.0.0.9:80/a.efi", siaddr: "10.0.0.7" }), "10.0.0.9");
  assert.equal(from({ file: "a.efi", options: with66 }), "10.0.0.8");
  assert.equal(from({ siaddr: "10.0.0.7" }), null, "it names nothing to boot");
});

/** What Windows Deployment Services leave in a scope. */
const option60 = [60, asciiBytes("PXEClient")] as const;

test("a server of addresses that calls itself PXEClient and names nothing to boot: its option 60 is named, not 66 and 67", () => {
  const watch = open();
  watch.heard(offer(5, { options: new Map([...offer(5).options, option60]) }));
  const [server] = watch.servers;
  assert.deepEqual([server?.feignsPxe, server?.namesBootFile], [true, false]);
  for (const mode of ["server", "proxy", "off"] as const) {
    const said = texts(mode, server as OtherServer);
    assert.match(
      said,
      /10\.0\.0\.5 sends option 60 "PXEClient" without option 43 .* Take option 60 out/,
    );
    assert.doesNotMatch(said, /66/);
  }
  for (const others of [
    { options: new Map([...offer(5).options, option60, [43, Uint8Array.of(6, 1, 8, 255)]]) },
    { options: new Map([...offer(5).options, option60]), file: "wdsmgfw.efi" },
    { options: new Map([...offer(5).options, option60]), yiaddr: "0.0.0.0" },
  ] as const) {
    const other = open();
    other.heard(offer(5, others));
    assert.deepEqual([other.servers[0]?.feignsPxe, other.servers[0]?.namesBootFile], [false, true]);
  }
});

test("option 60 is over when the next look is answered without it, and not by an answer to somebody else", () => {
  const watch = open();
  const options = new Map([...offer(5).options, option60]);
  watch.heard(offer(5, { options }));
  const pc = parseMac("525400000009") as MacAddress;
  assert.deepEqual(watch.heard(offer(5, { mac: pc })), []);
  assert.equal(watch.servers[0]?.feignsPxe, true);
  watch.look(1, millis(60_000));
  assert.deepEqual(kinds(watch.heard(offer(5))), ["appeared"]);
  assert.equal(watch.servers[0]?.feignsPxe, false);
});

/** What the server 10.0.0.5 sends to BIOS PCs, to UEFI PCs and to this host, which asks as one of these. */
const otherMac = parseMac("525400000009") as MacAddress;
const toBios = (siaddr: string) => offer(5, { file: "pxelinux.0", siaddr, mac: otherMac });
const toUefi = (siaddr: string) => offer(5, { file: "grub.efi", siaddr });

test("a server that sends BIOS and UEFI PCs to different hosts: told once, and not at each boot", () => {
  const watch = open();
  const heard: WatchFact[] = [];
  for (let at = 0; at < 3_600_000; at += 5000) {
    if (at >= watch.deadline) {
      watch.look(1, millis(at));
      // One of ten answers is lost.
      if (at % 600_000 !== 0) heard.push(...watch.heard(toUefi("10.0.0.7")));
    }
    if (at % 35_000 === 0) heard.push(...watch.heard(toBios("10.0.0.8")));
    // In the last half hour they are started one after the other.
    if (at > 1_800_000) watch.hurry(millis(at));
  }
  assert(heard.length <= 2, `${heard.length} times`);
});

test("PCs that a server sends elsewhere while others are sent here are told of at once", () => {
  const watch = open();
  watch.heard(toUefi("10.0.0.1"));
  assert.deepEqual(kinds(watch.heard(toBios("10.0.0.8"))), ["appeared"]);
  assert.deepEqual(watch.heard(toUefi("10.0.0.1")), []);
  assert.equal(watch.servers[0]?.bootsFrom, "10.0.0.8");
});

test("where PCs are sent to is mended: the next look tells, and what other PCs are told a look later", () => {
  const watch = open();
  watch.heard(toUefi("10.0.0.7"));
  watch.look(1, millis(60_000));
  assert.deepEqual(watch.heard(toBios("10.0.0.1")), []);
  assert.deepEqual(kinds(watch.heard(toUefi("10.0.0.1"))), ["appeared"]);
  assert.equal(watch.servers[0]?.bootsFrom, "10.0.0.1");
  watch.heard(toBios("10.0.0.8"));
  watch.look(1, millis(120_000));
  watch.look(1, millis(180_000));
  assert.deepEqual(kinds(watch.heard(toBios("10.0.0.9"))), ["appeared"]);
});

test("forged answers without end, of as many servers as there is room for: each is news four times a minute at most", () => {
  const watch = open();
  let news = 0;
  for (let packet = 0; packet < 100_000; packet++) {
    // A hundred a look, while PCs boot.
    if (packet % 100 === 0) {
      watch.look(1, millis(packet * 50));
      watch.hurry(millis(packet * 50));
    }
    const place = packet % 3 === 0 ? "10.0.0.1" : `10.1.${(packet >> 8) & 255}.${packet & 255}`;
    const options = new Map([...offer(2 + (packet % 16)).options, option60]);
    const forged: Partial<DhcpPacket> =
      packet % 5 === 0 ? { options } : { siaddr: place, file: "a" };
    news += watch.heard(
      offer(2 + (packet % 16), { ...forged, mac: packet % 2 === 0 ? ownMac : otherMac }),
    ).length;
  }
  const minutes = (100_000 * 50) / 60_000;
  assert(news <= 16 * 4 * (minutes + 1), `${news} in ${minutes} minutes`);
});

test("the question asks for option 43: a server that has it is not taken for one that lacks it", () => {
  assert(open().look(7, millis(0)).packet.options.get(55)?.includes(43));
});

test("somebody who answers in our name and sends PCs elsewhere; our own answer that comes back", () => {
  const watch = open();
  assert.deepEqual(watch.heard(offer(1, { file: "snponly.efi", siaddr: "10.0.0.1" })), []);
  const [fact] = watch.heard(offer(1, { file: "snponly.efi", siaddr: "10.0.0.66" }));
  assert.deepEqual([fact?.kind, fact?.server.isInOurName], ["appeared", true]);
  const said = texts("server", ...watch.servers);
  assert.match(said, /in this server's name, and sends them to 10\.0\.0\.66/);
  assert.doesNotMatch(said, /--dhcp proxy/);
});

test("while PCs boot it looks more often, and takes no server for gone the sooner", () => {
  const watch = open();
  watch.look(1, millis(0));
  watch.heard(offer(5));
  watch.hurry(millis(1000));
  assert.equal(watch.deadline, 5000);
  for (let at = 5000; at <= 60_000; at += 5000) {
    assert.deepEqual(watch.look(1, millis(at)).facts, []);
    watch.hurry(millis(at));
  }
  assert.deepEqual(kinds(watch.look(1, millis(181_000)).facts), ["gone"]);
});

test("invented servers do not fill the memory", () => {
  const watch = open();
  for (let last = 2; last < 200; last++) watch.heard(offer(last));
  assert.equal(watch.servers.length, 16);
});
