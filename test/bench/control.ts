/** The receivers' way to the sender in the bench: TCP, each message behind its length as a u32. */
import type { Socket } from "node:net";

export function writeMessage(socket: Socket, payload: Uint8Array): void {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(payload.length);
  socket.write(length);
  socket.write(payload);
}

/** Hears every whole message. */
export function onMessages(socket: Socket, take: (payload: Uint8Array) => void): void {
  let pending: Buffer = Buffer.alloc(0);
  socket.on("data", (data: Buffer) => {
    pending = pending.length === 0 ? data : Buffer.concat([pending, data]);
    while (pending.length >= 4) {
      const end = 4 + pending.readUInt32LE();
      if (pending.length < end) return;
      take(Uint8Array.prototype.slice.call(pending, 4, end));
      pending = pending.subarray(end);
    }
  });
}

/** Where the sender listens, in its namespace. */
export const controlPort = 7000;
