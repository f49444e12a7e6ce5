import { type Command, InvalidArgumentError, Option } from "commander";
import type { Decoded } from "../../core/errors.ts";
import { parsePolicy, policyText } from "../../core/session/policy-text.ts";
import { parseDiskSeconds, parsePrefix } from "../../core/session/setting-text.ts";
import type { RoomChange, RoomView } from "../../core/wire/rooms.ts";

const onOff = (text: string): boolean => {
  if (text !== "on" && text !== "off") throw new InvalidArgumentError("It has to be on or off.");
  return text === "on";
};

const oneOf =
  (...allowed: readonly string[]) =>
  (text: string): string => {
    if (allowed.includes(text)) return text;
    const last = allowed.at(-1);
    throw new InvalidArgumentError(`It has to be ${allowed.slice(0, -1).join(", ")} or ${last}.`);
  };

/** Null: as this server's own network has it. */
const orAuto = (text: string): string | null => (text === "auto" ? null : text);

const decoded =
  <T>(decode: (text: string) => Decoded<T>) =>
  (text: string): T => {
    const found = decode(text);
    if (!found.ok) throw new InvalidArgumentError(found.reason);
    return found.value;
  };

/** Of an option that is given several words, each word comes by itself. */
const listOr =
  <T>(word: string, empty: T) =>
  (text: string, before: readonly string[] | T | undefined): readonly string[] | T =>
    text === word ? empty : [...(Array.isArray(before) ? before : []), text];

const orNone = (text: string): string | null => (text === "none" ? null : text);

/** How each setting of a room is set and shown. */
const settings: readonly {
  readonly key: keyof RoomChange;
  readonly flags: string;
  readonly help: string;
  readonly parse: (text: string, before: never) => unknown;
  readonly show: (room: RoomView) => string;
}[] = [
  {
    key: "shell",
    flags: "--shell <ON>",
    help: "on or off: whether operators may open a shell on its PCs",
    parse: onOff,
    show: ({ settings: { shell } }) => (shell ? "on" : "off"),
  },
  {
    key: "grow",
    flags: "--grow <WHAT>",
    help: "auto, last or none: which partition takes the room of a larger disk: Windows' or Linux' own, the last one, or none",
    parse: oneOf("auto", "last", "none"),
    show: ({ settings: { grow } }) => grow,
  },
  {
    key: "disk",
    flags: "--disk <POLICY>",
    help: 'which disk is restored, where a PC has several: any (refused), or like transport=nvme,sata model="Samsung*" serial=A,B size=200GB-1TB',
    parse: decoded(parsePolicy),
    show: ({ settings: { disk } }) => policyText(disk),
  },
  {
    key: "naming",
    flags: "--naming <PATTERN>",
    help: "the name of a PC that takes a seat, like lab1-{seat}; none: it keeps its name",
    parse: orNone,
    show: ({ settings: { naming } }) => naming ?? "none",
  },
  {
    key: "idleBoot",
    flags: "--idle-boot <WHAT>",
    help: "agent or local-disk: what an idle PC starts when it boots from the network",
    parse: oneOf("agent", "local-disk"),
    show: ({ settings: { idleBoot } }) => idleBoot,
  },
  {
    key: "diskSeconds",
    flags: "--disk-seconds <N>",
    help: "how many seconds (1 to 300) a PC waits for a key before it starts its own disk",
    parse: decoded(parseDiskSeconds),
    show: ({ settings: { diskSeconds } }) => String(diskSeconds),
  },
  {
    key: "admit",
    flags: "--admit <WHOM>",
    help: "on-order (an order that names a new PC places it), placed (only PCs that an operator has placed get orders) or proven (of those, only PCs with a TPM or a key file)",
    parse: oneOf("on-order", "placed", "proven"),
    show: ({ settings: { admit } }) => admit,
  },
  {
    key: "ask",
    flags: "--ask <WHETHER>",
    help: "approve or free: whether what a PC's menu asks for needs a PIN or an operator's yes",
    parse: oneOf("approve", "free"),
    show: ({ settings: { ask } }) => ask,
  },
  {
    key: "domain",
    flags: "--domain <NAME>",
    help: "the DNS domain of its PCs, like lab.example.org, or none",
    parse: orNone,
    show: ({ settings: { domain } }) => domain ?? "none",
  },
  {
    key: "address",
    flags: "--address <HOW>",
    help: "dhcp, reserved or static: restored systems take any address, each its own from this server's DHCP, or each its own that is written on its disk",
    parse: oneOf("dhcp", "reserved", "static"),
    show: ({ settings: { address } }) => address,
  },
  {
    key: "gateway",
    flags: "--gateway <ADDRESS>",
    help: "the gateway of static addresses; auto: as this server's DHCP has it",
    parse: orAuto,
    show: ({ settings: { gateway } }) => gateway ?? "auto",
  },
  {
    key: "dns",
    flags: "--dns <ADDRESS...>",
    help: "the name servers of static addresses; auto: as this server's DHCP has them",
    parse: listOr("auto", null),
    show: ({ settings: { dns } }) => dns?.join(" ") ?? "auto",
  },
  {
    key: "prefix",
    flags: "--prefix <LEN>",
    help: "the bits of the network's prefix, like 24; auto: as of this server's own address",
    parse: decoded(parsePrefix),
    show: ({ settings: { prefix } }) => (prefix === null ? "auto" : String(prefix)),
  },
  {
    key: "sshKeys",
    flags: "--ssh-key <NAME...>",
    help: "the stored SSH keys (`key list`) whose owners log in as administrator of restored PCs, or none",
    parse: listOr("none", []),
    show: ({ settings: { sshKeys } }) => sshKeys.join(" ") || "none",
  },
  {
    key: "secrets",
    flags: "--secrets <WHOM>",
    help: "proven or unproven: whether private host keys go only to PCs with a TPM or a key file, or to every placed PC",
    parse: oneOf("proven", "unproven"),
    show: ({ settings: { secrets } }) => secrets,
  },
  {
    key: "bootFirst",
    flags: "--boot-first <WHAT>",
    help: "network or disk: what the firmware of restored UEFI PCs starts first",
    parse: oneOf("network", "disk"),
    show: ({ settings: { bootFirst } }) => bootFirst,
  },
  {
    key: "language",
    flags: "--language <L>",
    help: "en, es, fr, pt or default: in which language its PCs' screens are; default: as the server's configuration says",
    parse: oneOf("en", "es", "fr", "pt", "default"),
    show: ({ settings: { language } }) => language,
  },
  {
    key: "pin",
    flags: "--pin <PIN>",
    help: "4 to 12 digits that unlock the menus of the PCs, or none",
    parse: orNone,
    show: ({ pin }) => (pin ? "set" : "none"),
  },
  {
    key: "instructorPin",
    flags: "--instructor-pin <PIN>",
    help: "4 to 12 digits that allow captures and casts at the menus, too, or none",
    parse: orNone,
    show: ({ instructorPin }) => (instructorPin ? "set" : "none"),
  },
];

export function addSettingOptions(command: Command): Command {
  for (const { flags, help, parse } of settings) {
    command.addOption(new Option(flags, help).argParser(parse as (text: string) => unknown));
  }
  return command;
}

/** A line per setting, in the form that its option takes. */
export const settingLines = (room: RoomView): string[] =>
  settings.map(({ key, show }) => `${key.padEnd(13)}  ${show(room)}`);

/** What commander calls the options whose names are not their settings'. */
const renamed = { sshKey: "sshKeys" } as const;

/** The change that the options of a command line are. Of a null that a word stands for, commander makes an empty text. */
export const changeOf = (options: Readonly<Record<string, unknown>>): RoomChange =>
  Object.fromEntries(
    Object.entries(options).map(([name, value]) => [
      name in renamed ? renamed[name as keyof typeof renamed] : name,
      value === "" ? null : value,
    ]),
  );

/** What a change lets happen that is not seen at once. */
export const warningLines = ({ secrets }: RoomChange, room: string): string[] =>
  secrets === "unproven"
    ? [
        `From now on private SSH host keys go, over TLS, to every placed PC of ${room}, also to one without a`,
        "TPM or key file, which could not prove who it is: whoever can imitate such a PC gets its keys.",
      ]
    : [];
