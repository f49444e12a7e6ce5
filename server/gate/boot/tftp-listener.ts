import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { SmallBlocks } from "../../../core/boot/tftp-blocks.ts";
import type { TransferStep } from "../../../core/boot/tftp-transfer.ts";
import { RoomcastError } from "../../../core/errors.ts";
import { asError, guarded } from "../../../core/node/guard.ts";
import { printable } from "../../../core/units/printable.ts";
import { millis } from "../../../core/units/units.ts";
import { decodeTftp, encodeError, tftpError } from "../../../core/wire/tftp.ts";
import { type MadeFile, openTftpFiles } from "./tftp-files.ts";
import { type RunningTransfer, startTftpPump } from "./tftp-pump.ts";

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
  /** Of the interface that the address is on. */
  mtu(): number;
  /** Who has this address, if that is known: addresses change hands. */
  macAt(address: string): string | null;
  /** A client has asked for a file; how that ended, `onFact` hears. */
  onRequest(address: string, file: string): void;
  onFact(fact: TftpFact): void;
  onError(error: Error): void;
}

/** Serves the files of one folder by TFTP, read only. `port` is 69 but in tests. */
export async function startTftpListener(options: TftpListenerOptions): Promise<TftpListener> {
  const { address, onFact, onError } = options;
  const transferLimit = options.transferLimit ?? defaultTransferLimit;
  const files = await openTftpFiles(options.folder, options.made);
  const transfers = new Map<string, Transfer>();
  const small = new SmallBlocks();
  const now = () => millis(performance.now());
  let packetsIgnored = 0;
  const listener = await openSocket(address, options.port, onError);
  // A transfer that was replaced ends a little after its successor has begun, and one whose file is being opened after that.
  const mostServed = 2 * transferLimit;
  let servedCount = 0;
  const pump = startTftpPump({ address, limit: mostServed, onError });

  const refuse = (client: RemoteInfo, file: string, code: number, reason: string): void =>
    // `send` itself throws on a port of 0.
    guarded(onError, () => {
      listener.send(encodeError(code, reason), client.port, client.address, (error) => {
        if (error !== null) onError(error);
      });
      const shown = printable(file);
      onFact({ client: client.address, file: shown, outcome: "refused", bytes: 0, reason });
    });

  /** Whoever is there answers at once: of those that did not, in whosever name they came, the oldest gives way. */
  const makeRoom = (address: string): boolean => {
    const found = [...transfers].find(([, { isAnswered }]) => !isAnswered) ?? oldestOfMost(address);
    if (found === undefined) return false;
    const [key, transfer] = found;
    transfer.close();
    return transfers.delete(key);
  };

  /** Of the address with the most transfers, if those are more than this one would have: a PC has one or two. */
  const oldestOfMost = (address: string): [string, Transfer] | undefined => {
    const byAddress = Map.groupBy(transfers, ([, each]) => each.address);
    const own = byAddress.get(address)?.length ?? 0;
    const most = [...byAddress.values()].reduce((one, other) =>
      other.length > one.length ? other : one,
    );
    return most.length > own + 1 ? most[0] : undefined;
  };

  const request = (bytes: Uint8Array, client: RemoteInfo): void => {
    const decoded = decodeTftp(bytes);
    if (!decoded.ok || (decoded.value.kind !== "rrq" && decoded.value.kind !== "wrq")) {
      packetsIgnored++;
      return;
    }
    const { kind, file, mode, options: wanted } = decoded.value;
    options.onRequest(client.address, file);
    if (kind === "wrq")
      return refuse(client, file, tftpError.accessViolation, "this server is read only");
    if (mode !== "octet")
      return refuse(client, file, tftpError.illegalOperation, `only mode octet, not ${mode}`);
    const key = `${client.address}:${client.port}`;
    const before = transfers.get(key);
    if (before?.isRepeatedBy(bytes)) return;
    // From a port that always is the same, as some ROMs have it: the PC has started anew.
    before?.close();
    const isFull = transfers.size >= transferLimit && !makeRoom(client.address);
    if (isFull || servedCount >= mostServed)
      return refuse(client, file, tftpError.notDefined, "too many transfers at once");
    const transfer = new Transfer(bytes, client.address);
    transfers.set(key, transfer);
    servedCount++;
    serve(transfer, client, file, wanted)
      .catch((error: unknown) => {
        if (error instanceof RoomcastError)
          return refuse(client, file, tftpError.notFound, error.message);
        onError(asError(error));
      })
      .finally(() => {
        servedCount--;
        transfer.close();
        if (transfers.get(key) === transfer) transfers.delete(key);
      });
  };

  /** Resolves when the transfer is over, and its file no longer read. */
  async function serve(
    transfer: Transfer,
    { address: clientAddress, port }: RemoteInfo,
    file: string,
    wanted: ReadonlyMap<string, string>,
  ): Promise<void> {
    await using opened = await files.open(file);
    const client = { address: clientAddress, port };
    if (transfer.isClosed) return;
    const who = options.macAt(clientAddress) ?? clientAddress;
    const mostBlockBytes = small.blockBytesFor(who, options.mtu(), now());
    const order = { client, source: opened.source, wanted, mostBlockBytes };
    const end = await transfer.run(pump.start(order, () => small.lost(who, now())));
    if (end === null) return;
    const bytes = opened.length;
    onFact({ client: clientAddress, file: printable(file), outcome: end, bytes, reason: null });
  }

  listener.on("message", (bytes, client) => guarded(onError, () => request(bytes, client)));
  return {
    port: listener.address().port,
    get packetsIgnored() {
      return packetsIgnored + pump.packetsIgnored;
    },
    get transfersUnderWay() {
      return transfers.size;
    },
    async [Symbol.asyncDispose]() {
      for (const transfer of transfers.values()) transfer.close();
      await pump[Symbol.asyncDispose]();
      await new Promise<void>((resolve) => listener.close(() => resolve()));
    },
  };
}

/** From the request on; it may be closed before it runs. */
class Transfer {
  isClosed = false;
  /** The client's. */
  readonly address: string;
  private readonly request: Uint8Array;
  private running: RunningTransfer | undefined;

  constructor(request: Uint8Array, address: string) {
    this.request = request;
    this.address = address;
  }

  get isAnswered(): boolean {
    return this.running?.isAnswered === true;
  }

  /** Whether this is the same request on its way twice, and not a new one. */
  isRepeatedBy(request: Uint8Array): boolean {
    return !this.isAnswered && Buffer.compare(this.request, request) === 0;
  }

  run(running: RunningTransfer): RunningTransfer["ended"] {
    this.running = running;
    return running.ended;
  }

  close(): void {
    this.isClosed = true;
    this.running?.stop();
  }
}

/** Rejects when the port is taken or not ours to have; `onError` hears what goes wrong later. */
async function openSocket(
  address: string,
  port: number,
  onError: (error: Error) => void,
): Promise<Socket> {
  const socket = createSocket("udp4");
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
