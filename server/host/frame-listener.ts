import { guarded } from "../../core/node/guard.ts";
import type { PacketSocket } from "./packet-socket.ts";

const lookEveryMs = 200;

/** Takes every frame that the socket hears, which is its own from here on. */
export function listenForFrames(
  socket: PacketSocket,
  take: (frame: Uint8Array) => void,
  onError: (error: Error) => void,
): Disposable {
  const timer = setInterval(() => guarded(onError, () => socket.take(take)), lookEveryMs);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      socket[Symbol.dispose]();
    },
  };
}
