/** A receiving end of the bench: writes what comes into a file, and says what it took when it has all. */
import { open } from "node:fs/promises";
import { connect } from "node:net";
import { startCastReceiver } from "../../core/node/cast/receiver.ts";
import { chunkBytes } from "../../core/units/units.ts";
import { allWants, indexOf } from "../core/node/cast-room.ts";
import { controlPort, writeMessage } from "./control.ts";
import { type CastConfig, startCounting, storedLengthsFor } from "./roomcast-cast.ts";

const config = JSON.parse(process.argv[2] as string) as CastConfig & { readonly server: string };
const file = await open(config.path, "w");
const storedLengths = storedLengthsFor(config);
const wants = allWants(storedLengths);
const socket = connect(controlPort, config.server);
socket.setNoDelay(true);
let left = storedLengths.length;
let stats = {};
const receiver = await startCastReceiver(
  { ...config.place, index: indexOf(storedLengths), wants, slotCount: 24 },
  {
    async chunk(entryIndex, stored, settle) {
      await file.write(stored, 0, stored.length, entryIndex * chunkBytes);
      settle("taken");
      if (--left === 0) await end();
    },
    report(payload) {
      // It goes on to report until it is closed.
      if (!socket.writableEnded) writeMessage(socket, payload);
    },
    stats(latest) {
      stats = latest;
    },
  },
);
writeMessage(socket, wants);
console.log("ready");
const usage = startCounting();

async function end(): Promise<void> {
  console.log("done");
  socket.end();
  const used = usage();
  await receiver.close();
  console.log(JSON.stringify({ ...stats, ...used }));
  process.exit(0);
}
