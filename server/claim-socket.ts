import { rm } from "node:fs/promises";
import { connect } from "node:net";
import { RoomcastError } from "../core/errors.ts";

/** Removes the socket of a server that is gone; refuses when one is alive on this data folder. */
export async function claimSocket(path: string): Promise<void> {
  const isAlive = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.on("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.on("error", () => resolve(false));
  });
  if (isAlive) {
    throw new RoomcastError(
      "conflict",
      `a roomcast server is running on this data folder already (${path} answers)`,
      "use that one, end it, or name another data folder with --data",
    );
  }
  await rm(path, { force: true });
}
