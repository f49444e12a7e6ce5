/** `count`: says how long each run of numbered packets was that did not come. `send ADDRESS N`: sends them. */
import { createSocket } from "node:dgram";

const [role, address = "", count = "0"] = process.argv.slice(2);
const port = 7000;
/** What a packet asks for. */
const ask = { nothing: 0, answer: 1, end: 2 } as const;
/** A socket's buffer holds as many, whatever else the machine does. */
const batchPackets = 100;
/** Milliseconds after which a question or its answer is taken for lost. */
const answerAfter = 4;

const socket = createSocket({ type: "udp4", recvBufferSize: 4 * 2 ** 20 });
const packetOf = (number: number, asked: number): Buffer => {
  const packet = Buffer.alloc(200);
  packet.writeUInt32LE(number);
  packet[4] = asked;
  return packet;
};

if (role === "count") {
  const runs: number[] = [];
  let expected = 0;
  socket.on("message", (packet, from) => {
    const number = packet.readUInt32LE();
    if (number > expected) runs.push(number - expected);
    expected = number + 1;
    const asked = packet[4];
    if (asked === ask.nothing) return;
    socket.send(packet, from.port, from.address, () => {
      if (asked !== ask.end) return;
      console.log(JSON.stringify(runs));
      socket.close();
    });
  });
  socket.bind(port, () => console.log("ready"));
} else {
  let number = 0;
  const send = (asked: number): void => socket.send(packetOf(number++, asked), port, address);
  const answered = (asked: number): Promise<void> =>
    new Promise((resolve) => {
      const first = number;
      const again = setInterval(() => send(asked), answerAfter);
      const take = (packet: Buffer): void => {
        // A late answer to an earlier question says nothing of the packets since.
        if (packet.readUInt32LE() < first) return;
        clearInterval(again);
        socket.off("message", take);
        resolve();
      };
      socket.on("message", take);
      send(asked);
    });
  while (number < Number(count)) {
    for (let each = 1; each < batchPackets; each++) send(ask.nothing);
    await answered(ask.answer);
  }
  await answered(ask.end);
  socket.close();
}
