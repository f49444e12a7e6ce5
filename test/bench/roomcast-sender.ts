/**
 * The sending end of the bench: the cast's sender in its worker, with a payload file as its source. Ends
 * when its standard input does, and says what it took.
 */
import { createServer } from "node:net";
import { startCastSender } from "../../core/node/cast/sender.ts";
import { indexOf } from "../core/node/cast-room.ts";
import { controlPort, onMessages } from "./control.ts";
import { type CastConfig, startCounting, storedLengthsFor } from "./roomcast-cast.ts";

const config = JSON.parse(process.argv[2] as string) as CastConfig;
let stats = {};
const sender = await startCastSender(
  {
    ...config.place,
    index: indexOf(storedLengthsFor(config)),
    source: {
      module: new URL("./payload-source.ts", import.meta.url).href,
      config: { path: config.path },
    },
    rateLimitBps: null,
    linkBps: config.linkBps,
  },
  {
    stats(latest) {
      stats = latest;
    },
  },
);
let receiverCount = 0;
let joinedCount = 0;
/** As in a room that gathers first: nothing is sent before those that are awaited are there. */
const gathering: (() => void)[] = [];
const server = createServer((socket) => {
  const id = receiverCount++;
  let hasJoined = false;
  socket.setNoDelay(true);
  onMessages(socket, (payload) => {
    if (hasJoined) return sender.report(id, payload);
    hasJoined = true;
    gathering.push(() => sender.join(id, payload));
    if (++joinedCount < config.awaited) return;
    for (const join of gathering.splice(0)) join();
  });
  socket.on("error", () => {}); // shows as a close
  socket.on("close", () => sender.leave(id));
});
server.listen(controlPort, config.place.interfaceAddress, () => console.log("ready"));
const usage = startCounting();
process.stdin.resume().on("end", async () => {
  const used = usage();
  await sender.close();
  console.log(JSON.stringify({ ...stats, ...used }));
  process.exit(0);
});
