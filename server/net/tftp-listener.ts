import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { TftpTransfer, type TransferStep } from "../../core/boot/tftp-transfer.ts";
import { RoomcastError } from "../../core/errors.ts";
import { type Millis, millis } from "../../core/units/units.ts";
import { decodeTftp, encodeError, tftpError } from "../../core/wire/tftp.ts";
import { type MadeFile, openTftpFiles } from "./tftp-files.ts";

/** PCs of the largest rooms at once. */
const defaultTransferLimit = 256;

export interface TftpFact {
  readonly client: string;
  /** As it was asked for, without what could disturb a terminal. */
  readonly file: string;
  readonly outcome: NonNullable<TransferStep["end"]> | "refused";
  /** Of the file; 0 when refused. */
  readonly bytes: number;
  /** Why it was refused, else null. */
  readonly reason: string | null;
}

export interface TftpListener extends AsyncDisposable {
  /** Where it listens: of interest when `port` was 0. */
  readonly port: number;
  /** Packets that were no requests, or came from a stranger's port. */
  readonly packetsIgnored: number;
  readonly transfersUnderWay: number;
}

export interface TftpListenerOptions {
  readonly address: string;
  readonly port: number;
  readonly folder: string;
  readonly made?: MadeFile;
  readonly transferLimit?: number;
  onFact(fact: TftpFact): void;
  onError(error: Error): void;
}

/** Serves the files of one folder by TFTP, read only. `port` is 69 but in tests. */
export async function startTftpListener(options: TftpListenerOptions): Promise<TftpListener> {
  const { address, onFact, onError } = options;
  const transferLimit = options.transferLimit ?? defaultTransferLimit;
  const files = await openTftpFiles(options.folder, options.made);
  const transfers = new Map<string, Transfer>();
  let packetsIgnored = 0;
  const listener = await openSocket(address, options.port, onError);

  /** No packet may end the server: `send` itself throws on a port of 0. */
  const guarded = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)));
    }
  };
  // Without a callback an error is the socket's: a transfer lives by one packet for each that comes.
  const send = (socket: Socket, packet: Uint8Array, to: RemoteInfo): void =>
    socket.send(packet, to.port, to.address);

  const refuse = (client: RemoteInfo, file: string, code: number, reason: string): void =>
    guarded(() => {
      send(listener, encodeError(code, reason), client);
      const shown = printable(file);
      onFact({ client: client.address, file: shown, outcome: "refused", bytes: 0, reason });
    });

  const request = (bytes: Uint8Array, client: RemoteInfo): void => {
    const decoded = decodeTftp(bytes);
    if (!decoded.ok || (decoded.value.kind !== "rrq" && decoded.value.kind !== "wrq")) {
      packetsIgnored++;
      return;
    }
    const { kind, file, mode, options: wished } = decoded.value;
    if (kind === "wrq")
      return refuse(client, file, tftpError.accessViolation, "this server is read only");
    if (mode !== "octet")
      return refuse(client, file, tftpError.illegalOperation, `only mode octet, not ${mode}`);
    const key = `${client.address}:${client.port}`;
    const before = transfers.get(key);
    if (before?.isRepeatedBy(bytes)) return;
    // From a port that always is the same, as some ROMs have it: the PC has started anew.
    before?.close();
    if (transfers.size >= transferLimit)
      return refuse(client, file, tftpError.notDefined, "too many transfers at once");
    const transfer = new Transfer(bytes);
    transfers.set(key, transfer);
    serve(transfer, client, file, wished)
      .catch((error: unknown) => {
        if (error instanceof RoomcastError)
          return refuse(client, file, tftpError.notFound, error.message);
        onError(error instanceof Error ? error : new Error(String(error)));
      })
      .finally(() => {
        transfer.close();
        if (transfers.get(key) === transfer) transfers.delete(key);
      });
  };

  /** Resolves when the transfer is over. */
  async function serve(
    transfer: Transfer,
    client: RemoteInfo,
    file: string,
    wished: ReadonlyMap<string, string>,
  ): Promise<void> {
    using content = await files.open(file);
    const socket = await openSocket(address, 0, onError);
    const machine = new TftpTransfer(content, wished, now());
    if (!transfer.adopt(socket, machine)) return;
    const end = await new Promise<TransferStep["end"]>((resolve) => {
      transfer.onClose(() => resolve(null));
      const perform = (next: () => TransferStep): void =>
        guarded(() => {
          const step = next();
          if (step.end !== null) resolve(step.end);
          for (const packet of step.packets) send(socket, packet, client);
          transfer.wakeAt(
            () => machine.deadline,
            () => perform(() => machine.tick(now())),
          );
        });
      socket.on("message", (bytes, from) =>
        guarded(() => {
          // RFC 1350 section 4: a packet from another port gets an error and disturbs nothing.
          if (from.port !== client.port || from.address !== client.address) {
            packetsIgnored++;
            return send(socket, encodeError(tftpError.unknownTransfer, "unknown transfer"), from);
          }
          const decoded = decodeTftp(bytes);
          if (decoded.ok) perform(() => machine.take(decoded.value, now()));
          else packetsIgnored++;
        }),
      );
      perform(() => machine.start(now()));
    });
    if (end === null) return;
    const bytes = content.length;
    onFact({ client: client.address, file: printable(file), outcome: end, bytes, reason: null });
  }

  listener.on("message", (bytes, client) => guarded(() => request(bytes, client)));
  return {
    port: listener.address().port,
    get packetsIgnored() {
      return packetsIgnored;
    },
    get transfersUnderWay() {
      return transfers.size;
    },
    async [Symbol.asyncDispose]() {
      for (const transfer of transfers.values()) transfer.close();
      await new Promise<void>((resolve) => listener.close(() => resolve()));
    },
  };
}

/** What a transfer owns: given back once, however it ends. */
class Transfer {
  private readonly request: Uint8Array;
  private socket: Socket | undefined;
  private machine: TftpTransfer | undefined;
  private timer: NodeJS.Timeout | undefined;
  private closed: (() => void) | undefined;
  private isClosed = false;

  constructor(request: Uint8Array) {
    this.request = request;
  }

  /** Whether this is the same request on its way twice, and not a new one. */
  isRepeatedBy(request: Uint8Array): boolean {
    return this.machine?.isAnswered !== true && Buffer.compare(this.request, request) === 0;
  }

  /** Takes the socket; false, and the socket is closed, when the transfer ended meanwhile. */
  adopt(socket: Socket, machine: TftpTransfer): boolean {
    this.machine = machine;
    if (this.isClosed) socket.close();
    else this.socket = socket;
    return !this.isClosed;
  }

  onClose(closed: () => void): void {
    this.closed = closed;
  }

  /**
   * Wakes when the deadline that `deadline` answers then has passed; undefined: not at all. One timer for
   * the whole transfer, since the deadline moves with every packet.
   */
  wakeAt(deadline: () => Millis | undefined, wake: () => void): void {
    if (this.isClosed || this.timer !== undefined) return;
    const at = deadline();
    if (at === undefined) return;
    this.timer = setTimeout(
      () => {
        this.timer = undefined;
        if ((deadline() ?? 0) <= now()) wake();
        else this.wakeAt(deadline, wake);
      },
      Math.max(1, at - now()),
    );
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    clearTimeout(this.timer);
    this.socket?.close();
    this.closed?.();
  }
}

const now = () => millis(performance.now());

/** A file name from the network, for a log that may be a terminal. */
const printable = (file: string): string => file.replace(/[^\x20-\x7e]/g, "?");

/** Rejects when the port is taken or not ours to have; `onError` hears what goes wrong later. */
async function openSocket(
  address: string,
  port: number,
  onError: (error: Error) => void,
): Promise<Socket> {
  // Addresses are numbers here; Node would put each packet off to the next tick to look its name up.
  const socket = createSocket({
    type: "udp4",
    lookup: (hostname, _options, found) => found(null, hostname, 4),
  });
  return new Promise((resolve, reject) => {
    const refuse = (cause: NodeJS.ErrnoException): void => {
      const why = `TFTP: UDP port ${port} of ${address}: ${cause.code ?? cause.message}`;
      const next = "run as root, and end what has the port (`ss -lunp`)";
      reject(new RoomcastError("failed", why, next, { cause }));
    };
    socket.once("error", refuse);
    socket.bind(port, address, () => {
      socket.off("error", refuse);
      socket.on("error", onError);
      resolve(socket);
    });
  });
}
