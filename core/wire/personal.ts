/**
 * What is one PC's alone: its name, address and keys, put onto its disk once the image is verified there.
 * The server makes it from the PC's seat and room; the agent asks for it at `/gate/v2/personal/SESSION`
 * with the grant in its order. It is never written down by the agent but on the restored disk.
 */
import { type Static, Type } from "typebox";
import { domainPattern, hostNamePattern } from "./host-names.ts";
import { nullable } from "./nullable.ts";
import { fieldValueLimit } from "./views.ts";

/** All of it becomes lines of files that root believes: none may hold the end of one. */
const line = (maxLength: number) =>
  Type.String({ maxLength, pattern: "^[^\\u0000-\\u001f\\u007f]*$" });
const ip4 = Type.String({ pattern: "^\\d{1,3}(\\.\\d{1,3}){3}$" });
const ip = Type.String({ maxLength: 45, pattern: "^[0-9A-Fa-f:.]+$" });

/** How the restored system gets its address. */
export const PersonalAddress = Type.Union([
  /** From DHCP, as it is or reserved there: no address is written. */
  Type.Object({ kind: Type.Literal("dhcp") }),
  Type.Object({
    kind: Type.Literal("static"),
    /** As in 192.0.2.7. */
    address: ip4,
    /** Bits of the network's prefix. */
    prefix: Type.Integer({ minimum: 1, maximum: 32 }),
    gateway: nullable(ip4),
    dns: Type.Array(ip, { maxItems: 8 }),
    /** Of the card that it is for: the one that the PC booted from. */
    mac: Type.String({ pattern: "^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$" }),
  }),
]);
export type PersonalAddress = Static<typeof PersonalAddress>;

/** A host key of OpenSSH: the texts of `ssh_host_TYPE_key` and `ssh_host_TYPE_key.pub`. */
export const HostKey = Type.Object({
  type: Type.Union([Type.Literal("ed25519"), Type.Literal("ecdsa"), Type.Literal("rsa")]),
  privateKey: Type.String({ maxLength: 8192 }),
  publicKey: Type.String({ maxLength: 2048 }),
});
export type HostKey = Static<typeof HostKey>;

/** A script that the image brings along; it runs with the restored system's root mounted. */
export const OwnStep = Type.Object({
  name: line(64),
  script: Type.String({ maxLength: 256 * 1024 }),
});
export type OwnStep = Static<typeof OwnStep>;

/** What a name of a file on Windows has not: `\\ / : * ? " < > |` and controls. */
const windowsFile = '[^\\\\/:*?"<>|\\u0000-\\u001f]';
/** Of a folder or file, and not `.` or `..`; Windows drops a dot or blank at the end of one. */
const windowsName = `(?:${windowsFile}{0,254}(?![. ])${windowsFile})`;

/** A file of the drivers for the PC's model. */
export const DriverFile = Type.Object({
  /** Below the model's folder. */
  path: Type.String({ pattern: `^${windowsName}(?:/${windowsName})*$`, maxLength: 200 }),
  /** In bytes. */
  size: Type.Integer({ minimum: 0 }),
  sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }),
});
/** A file is given in pieces of 4 MiB; one that is shorter, or empty, is the last. */
export const driverPieceBytes = 4 << 20;
export type DriverFile = Static<typeof DriverFile>;

/** What a Windows is told beside its name. */
export const WindowsPersonal = Type.Object({
  /** As in `de-DE`: of language, formats and keyboard. */
  locale: nullable(Type.String({ pattern: "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", maxLength: 32 })),
  /** As `tzutil /l` names it: `W. Europe Standard Time`. */
  timeZone: nullable(Type.String({ minLength: 1, maxLength: 256 })),
  /** What `djoin /provision` made for this PC, in Base64. A secret: the password of the PC's account is in it. */
  joinBlob: nullable(Type.String({ pattern: "^[A-Za-z0-9+/=]+$", maxLength: 64 * 1024 })),
  /** There is one, and this PC is not given it: it has not proven who it is. */
  isJoinWithheld: Type.Boolean(),
  /** A batch file, a character each byte: cmd.exe reads it in the PC's own code page. */
  firstLogon: nullable(Type.String({ minLength: 1, maxLength: 256 * 1024 })),
  /** Each at `/gate/v2/drivers/SESSION/PATH?piece=N`, with the same grant. */
  drivers: Type.Array(DriverFile, { maxItems: 10_000 }),
});
export type WindowsPersonal = Static<typeof WindowsPersonal>;

export const Personal = Type.Object({
  /** A host name of one label, at most 63 characters (RFC 1123). */
  name: Type.String({ pattern: hostNamePattern }),
  /** The DNS domain behind it; null: none. */
  domain: nullable(Type.String({ pattern: domainPattern })),
  room: line(64),
  seat: nullable(line(32)),
  address: PersonalAddress,
  /** Lines of `authorized_keys`, of the room's administrators. */
  sshKeys: Type.Array(line(4096), { maxItems: 64 }),
  /** The keys that the server keeps for this PC; null: the PC has not proven who it is, and makes its own. */
  hostKeys: nullable(Type.Array(HostKey, { maxItems: 3 })),
  /** The owner's own fields, by name. */
  fields: Type.Record(Type.String({ maxLength: 64 }), line(fieldValueLimit)),
  /** What the firmware starts first. */
  bootFirst: Type.Union([Type.Literal("network"), Type.Literal("disk")]),
  /** In the order in which they run. */
  steps: Type.Array(OwnStep, { maxItems: 16 }),
  /** null: nothing but its name. */
  windows: nullable(WindowsPersonal),
});
export type Personal = Static<typeof Personal>;
