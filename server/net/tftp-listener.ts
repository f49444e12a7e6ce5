import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { readFile, realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { TftpTransfer, type TransferStep } from "../../core/boot/tftp-transfer.ts";
import { RoomcastError } from "../../core/errors.ts";
import { millis } from "../../core/units/units.ts";
import { decodeTftp, encodeError, tftpError } from "../../core/wire/tftp.ts";

/** PCs of the largest rooms at once, twice. */
const transferLimit = 256;
/** Larger files go by HTTP. */
const fileBytesLimit = 64 * 1024 * 1024;

export interface TftpFact {
  readonly client: string;
  readonly file: string;
  readonly outcome: "sent" | "given-up" | "client-error" | "refused";
  readonly bytes: number;
}

export interface TftpListener extends AsyncDisposable {
  /** Packets that were no requests, or came from a stranger's port. */
  readonly packetsIgnored: number;
}

/** Serves the files of one folder by TFTP, read only. `port` is 69 but in tests. */
export async function startTftpListener(options: {
  readonly address: string;
  readonly port: number;
  readonly folder: string;
  onFact(fact: TftpFact): void;
  onError(error: Error): void;
}): Promise<TftpListener> {
  const { address, folder, onFact, onError } = options;
  const root = await realpath(folder);
  const transfers = new Map<string, Socket>();
  let packetsIgnored = 0;
  const listener = await bound(address, options.port);
  listener.on("error", onError);
  listener.on("message", (bytes, client) => {
    const decoded = decodeTftp(bytes);
    if (!decoded.ok || (decoded.value.kind !== "rrq" && decoded.value.kind !== "wrq")) {
      packetsIgnored++;
      return;
    }
    const { kind, file, mode, options: wished } = decoded.value;
    const refuse = (code: number, why: string): void => {
      listener.send(encodeError(code, why), client.port, client.address);
      onFact({ client: client.address, file, outcome: "refused", bytes: 0 });
    };
    const key = `${client.address}:${client.port}`;
    // A request said twice is one request.
    if (transfers.has(key)) return;
    if (kind === "wrq") return refuse(tftpError.accessViolation, "this server is read only");
    if (mode !== "octet") return refuse(tftpError.illegalOperation, `only octet mode, not ${mode}`);
    if (transfers.size >= transferLimit) return refuse(tftpError.notDefined, "too many transfers");
    serve(client, file, wished).catch((error: unknown) => {
      if (error instanceof RoomcastError) refuse(tftpError.notFound, error.message);
      else onError(error instanceof Error ? error : new Error(String(error)));
    });
  });

  async function serve(
    client: RemoteInfo,
    file: string,
    wished: ReadonlyMap<string, string>,
  ): Promise<void> {
    const key = `${client.address}:${client.port}`;
    const content = await readInside(root, file);
    if (transfers.has(key)) return;
    const socket = createSocket("udp4");
    transfers.set(key, socket);
    await new Promise<void>((resolve) => socket.bind(0, address, resolve));
    const transfer = new TftpTransfer(content, wished, millis(performance.now()));
    let timer: NodeJS.Timeout | undefined;
    const perform = ({ packets, end }: TransferStep): void => {
      for (const packet of packets) {
        socket.send(packet, client.port, client.address, (error) => {
          if (error !== null) onError(error);
        });
      }
      clearTimeout(timer);
      if (end !== null) {
        transfers.delete(key);
        socket.close();
        onFact({ client: client.address, file, outcome: end, bytes: content.length });
        return;
      }
      const wait = (transfer.deadline ?? 0) - performance.now();
      timer = setTimeout(
        () => perform(transfer.tick(millis(performance.now()))),
        Math.max(1, wait),
      );
    };
    socket.on("error", onError);
    socket.on("message", (bytes, from) => {
      // RFC 1350 section 4: a packet from another port gets an error and disturbs nothing.
      if (from.port !== client.port || from.address !== client.address) {
        packetsIgnored++;
        socket.send(
          encodeError(tftpError.unknownTransfer, "unknown transfer"),
          from.port,
          from.address,
        );
        return;
      }
      const decoded = decodeTftp(bytes);
      if (decoded.ok) perform(transfer.take(decoded.value, millis(performance.now())));
      else packetsIgnored++;
    });
    perform(transfer.start(millis(performance.now())));
  }

  return {
    get packetsIgnored() {
      return packetsIgnored;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of transfers.values()) socket.close();
      await new Promise<void>((resolve) => listener.close(() => resolve()));
    },
  };
}

/** The file's bytes; rejects with `not-found` for what is not a plain file inside of `root`. */
async function readInside(root: string, file: string): Promise<Uint8Array> {
  const missing = (): RoomcastError =>
    new RoomcastError("not-found", "no such file", "see the boot folder's README");
  const path = await realpath(join(root, file.replaceAll("\\", "/"))).catch(() => undefined);
  if (path === undefined || !path.startsWith(root + sep)) throw missing();
  const found = await stat(path);
  if (!found.isFile() || found.size > fileBytesLimit) throw missing();
  return readFile(path);
}

async function bound(address: string, port: number): Promise<Socket> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve, reject) => {
    socket.once("error", (cause: NodeJS.ErrnoException) => {
      const why = `TFTP: UDP port ${port} of ${address}: ${cause.code ?? cause.message}`;
      reject(
        new RoomcastError("failed", why, "run as root, and end what has it (`ss -lunp`)", {
          cause,
        }),
      );
    });
    socket.bind(port, address, () => {
      socket.removeAllListeners("error");
      resolve();
    });
  });
  return socket;
}
