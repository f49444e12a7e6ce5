/** Hears a cast on the room's wire without its keys, and sends to its group what it makes up from that. */
import { createSocket } from "node:dgram";
import { emptyHeader, headerBytes, readHeader, writeHeader } from "../../core/wire/cast.ts";

const { group, port, address } = JSON.parse(process.argv[2] as string) as {
  readonly group: string;
  readonly port: number;
  readonly address: string;
};
/** Of packets of the past that are said once more. */
const pastPackets = 300;
const past: Uint8Array[] = [];
const header = emptyHeader();

/** The same packet with another header; its seal was made for the first one. */
function withHeader(packet: Uint8Array, change: Partial<typeof header>): Uint8Array {
  const forged = new Uint8Array(packet);
  readHeader(packet, 0, packet.length, header);
  writeHeader(forged, 0, { ...header, ...change });
  return forged;
}

/** Right in all that can be seen of a packet, and wrong in what it carries. */
function garbled(packet: Uint8Array): Uint8Array {
  const forged = new Uint8Array(packet);
  for (let at = headerBytes; at < forged.length; at++) forged[at] = Math.random() * 256;
  return forged;
}

const socket = createSocket({ type: "udp4", reuseAddr: true });
let heard = 0;
socket.on("message", (packet, { address: from }) => {
  if (from === address) return;
  readHeader(packet, 0, packet.length, header);
  const { sequence, tag, generation, symbol } = header;
  const forgeries = [
    () => garbled(packet),
    () => withHeader(packet, { sequence: (sequence + 1_000_000) >>> 0 }),
    () => withHeader(packet, { tag: (tag ^ 1) >>> 0 }),
    () => withHeader(packet, { generation: generation ^ 1 }),
    () => withHeader(packet, { symbol: symbol ^ 1 }),
    () => past[0] ?? packet,
  ];
  past.push(new Uint8Array(packet));
  if (past.length > pastPackets) past.shift();
  const forge = forgeries[heard++ % forgeries.length] as () => Uint8Array;
  socket.send(forge(), port, group);
});
socket.bind(port, group, () => {
  socket.addMembership(group, address);
  socket.setMulticastInterface(address);
  console.log("ready");
});
