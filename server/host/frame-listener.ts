import { guarded } from "../../core/node/guard.ts";
import type { PacketSocket } from "./packet-socket.ts";

const lookEveryMs = 200;
/** Frames that are taken in one look: a wire that is flooded with them does not hold the server up. */
const framesALook = 512;

/** Takes every frame that the socket hears, which is its own from here on. */
export function listenForFrames(
  socket: PacketSocket,
  take: (frame: Uint8Array) => void,
  onError: (error: Error) => void,
): Disposable {
  const look = (): void => {
    for (let taken = 0; taken < framesALook; taken++) {
      const frame = socket.receive();
      if (frame === undefined) return;
      take(frame);
    }
  };
  const timer = setInterval(() => guarded(onError, look), lookEveryMs);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      socket[Symbol.dispose]();
    },
  };
}
