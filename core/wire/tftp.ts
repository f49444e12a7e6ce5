import type { Decoded } from "../errors.ts";

/** TFTP packets (RFC 1350), with options (RFC 2347). Offset 0, two bytes: the opcode. */
export const tftpOpcode = { rrq: 1, wrq: 2, data: 3, ack: 4, error: 5, oack: 6 } as const;

/** RFC 1350 section 5, and 8 of RFC 2347. */
export const tftpError = {
  notDefined: 0,
  notFound: 1,
  accessViolation: 2,
  illegalOperation: 4,
  unknownTransfer: 5,
  optionRefused: 8,
} as const;

/** What a client sends to a server. */
export type TftpRequest =
  | {
      readonly kind: "rrq" | "wrq";
      readonly file: string;
      /** In lower case. */
      readonly mode: string;
      /** Names in lower case: RFC 2347 makes them insensitive to case. The first of a name counts. */
      readonly options: ReadonlyMap<string, string>;
    }
  | { readonly kind: "ack"; readonly block: number }
  | { readonly kind: "error"; readonly code: number; readonly message: string };

/** A request longer than this is none: RFC 2347 limits it to 512 bytes. */
const requestLimit = 512;

/** Reads a client's packet. What follows the last NUL of a request is dropped: some ROMs pad. */
export function decodeTftp(bytes: Uint8Array): Decoded<TftpRequest> {
  if (bytes.length < 4) return { ok: false, reason: "truncated" };
  const opcode = u16At(bytes, 0);
  if (opcode === tftpOpcode.ack)
    return { ok: true, value: { kind: "ack", block: u16At(bytes, 2) } };
  if (opcode === tftpOpcode.error) {
    const message = latin(bytes.subarray(4, requestLimit)).split("\0")[0] ?? "";
    return { ok: true, value: { kind: "error", code: u16At(bytes, 2), message } };
  }
  if (opcode !== tftpOpcode.rrq && opcode !== tftpOpcode.wrq)
    return { ok: false, reason: `opcode ${opcode} is not a client's` };
  if (bytes.length > requestLimit) return { ok: false, reason: "request too long" };
  const parts = latin(bytes.subarray(2)).split("\0");
  parts.pop();
  const [file = "", mode, ...rest] = parts;
  if (file === "" || mode === undefined) return { ok: false, reason: "no file or mode" };
  const options = new Map<string, string>();
  for (let index = 0; index + 1 < rest.length; index += 2) {
    const name = (rest[index] as string).toLowerCase();
    if (!options.has(name)) options.set(name, rest[index + 1] as string);
  }
  const kind = opcode === tftpOpcode.rrq ? "rrq" : "wrq";
  return { ok: true, value: { kind, file, mode: mode.toLowerCase(), options } };
}

/** A DATA packet with room for `dataBytes` from offset 4 on; `block` is taken modulo 65536. */
export function dataPacket(block: number, dataBytes: number): Uint8Array {
  const packet = new Uint8Array(4 + dataBytes);
  packet[1] = tftpOpcode.data;
  packet[2] = (block >> 8) & 255;
  packet[3] = block & 255;
  return packet;
}

export const encodeError = (code: number, message: string): Uint8Array =>
  Uint8Array.of(0, tftpOpcode.error, 0, code, ...ascii(message), 0);

/** An OACK: the options that the server takes, as it takes them. */
export const encodeOack = (options: ReadonlyMap<string, string>): Uint8Array =>
  Uint8Array.of(
    0,
    tftpOpcode.oack,
    ...[...options].flatMap(([name, value]) => [...ascii(name), 0, ...ascii(value), 0]),
  );

const u16At = (bytes: Uint8Array, offset: number): number =>
  (bytes[offset] as number) * 256 + (bytes[offset + 1] as number);

const latin = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

const ascii = (value: string): number[] => [...value].map((each) => each.charCodeAt(0) & 0x7f);
