/** Hears a cast on the room's wire without its keys, and sends to its group what it makes up from that. */
import { createSocket } from "node:dgram";

const { group, port, address } = JSON.parse(process.argv[2] as string) as {
  readonly group: string;
  readonly port: number;
  readonly address: string;
};
const socket = createSocket({ type: "udp4", reuseAddr: true });
socket.on("message", (packet, { address: from }) => {
  if (from === address) return;
  const forged = new Uint8Array(packet);
  for (let at = 16; at < forged.length; at++) forged[at] = Math.random() * 256;
  socket.send(forged, port, group);
});
socket.bind(port, group, () => {
  socket.addMembership(group, address);
  socket.setMulticastInterface(address);
  console.log("ready");
});
