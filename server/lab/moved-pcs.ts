/**
 * Which of the PCs that this server knows those of a room are that moves here, and what each of them is from then on:
 * one PC where there was one. What is not sure is told, and left to a human. It only reads.
 */
import { randomBytes } from "node:crypto";
import { pinOf } from "../../core/node/pin.ts";
import { type Marks, recognise } from "../../core/trust/identity.ts";
import { foldedName } from "../../core/wire/names.ts";
import type { HostKey } from "../../core/wire/personal.ts";
import type { RecordedKey, RecordedPc } from "../../core/wire/room-record.ts";
import { defaultRoom, type KeyRecord, type PcRecord } from "../state/records.ts";
import type { Admissions } from "./admissions.ts";
import { type Inventory, joinedMacs } from "./inventory.ts";
import { bareAddress } from "./pc-index.ts";

export interface MovedPcsPorts {
  readonly inventory: Pick<Inventory, "get" | "alike" | "isFreeName" | "withAddress">;
  readonly admissions: Pick<Admissions, "keyOf" | "keyWith">;
}

export interface MovedPcs {
  readonly pcs: readonly PcRecord[];
  readonly keys: readonly KeyRecord[];
  readonly hostKeys: readonly { readonly pc: string; readonly keys: readonly HostKey[] }[];
  /** Sentences about what is not as it was. */
  readonly told: readonly string[];
}

/** Who of this server one of the room is: a PC, some that it may be, or nobody. */
interface Found {
  readonly own: PcRecord | null;
  readonly rivals: readonly PcRecord[];
}

interface Placed extends Found {
  readonly recorded: RecordedPc;
  readonly id: string;
}

export function movedPcs(
  recorded: readonly RecordedPc[],
  room: string,
  ports: MovedPcsPorts,
): MovedPcs {
  const told: string[] = [];
  const placed = placesOf(recorded, room, { ...ports, told });
  // Names and addresses that these have now are free.
  const leaving = new Set(placed.flatMap(({ own }) => own ?? []));
  const names = new Set<string>();
  const pcs = placed.map((each): PcRecord => {
    const name = freeName(each, { leaving, names, ports });
    names.add(foldedName(name));
    if (name !== each.recorded.name)
      told.push(`${each.recorded.name} is ${name} here: another PC has its name`);
    return { ...pcOf(each, room, told), name, ...addressOf(each, { leaving, ports, told }) };
  });
  return {
    ...{ pcs, told },
    keys: placed.flatMap((each) => keyOf(each, { ...ports, told }) ?? []),
    hostKeys: placed.flatMap(({ id, recorded: { hostKeys } }) =>
      hostKeys === undefined || hostKeys.length === 0 ? [] : [{ pc: id, keys: hostKeys }],
    ),
  };
}

type Telling = MovedPcsPorts & { readonly told: string[] };

function placesOf(recorded: readonly RecordedPc[], room: string, ports: Telling): Placed[] {
  const claimed = new Set<PcRecord>();
  const ids = new Set<string>();
  return recorded.flatMap((pc): Placed[] => {
    const found = foundOf(pc, claimed, ports);
    const { own } = found;
    if (own !== null && isElsewhere(own, room)) {
      ports.told.push(
        `${pc.name} is ${own.name} of the room ${own.room} of this server, and stays there`,
      );
      return [];
    }
    if (own !== null) claimed.add(own);
    const id = own?.id ?? freeId(pc.id, ids, ports);
    ids.add(id);
    return [{ ...found, recorded: pc, id }];
  });
}

/** Somebody has placed it in another room. */
const isElsewhere = ({ room, unplaced }: PcRecord, here: string): boolean =>
  unplaced === undefined && room !== defaultRoom && room !== here;

const marksOf = ({ hello, macs }: RecordedPc): Marks => ({
  uuid: hello.identity.uuid,
  serials: hello.identity.serials,
  macs,
});

/** The key decides alone; marks find a PC where one of the two has no key. Visitors' marks say nothing. */
function foundOf(pc: RecordedPc, claimed: ReadonlySet<PcRecord>, ports: Telling): Found {
  const { inventory, admissions } = ports;
  const known = pc.key === null ? null : admissions.keyWith(fingerprintOf(pc.key));
  const own = inventory.get(known?.pc ?? "");
  if (own !== undefined && !claimed.has(own)) return { own, rivals: [] };
  const marks = marksOf(pc);
  const others = inventory
    .alike(marks)
    .filter((each) => each.unplaced === undefined && !claimed.has(each));
  const alike = recognise(
    marks,
    others.map(({ id, macs, hello: { identity } }) => ({
      ...{ id, macs, isOnline: false, uuid: identity.uuid, serials: identity.serials },
    })),
  );
  if (alike.kind === "new") return { own: null, rivals: [] };
  const ids = alike.kind === "known" ? [alike.id] : alike.ids;
  const rivals = ids.flatMap((id) => inventory.get(id) ?? []);
  const [rival = null] = rivals;
  const isKeyless = pc.key === null || (rival !== null && admissions.keyOf(rival.id) === null);
  return alike.kind === "known" && isKeyless ? { own: rival, rivals: [] } : { own: null, rivals };
}

const fingerprintOf = ({ spki }: RecordedKey): string => pinOf(Buffer.from(spki, "base64"));

function freeId(wanted: string, taken: ReadonlySet<string>, { inventory }: Telling): string {
  let id = wanted;
  while (taken.has(id) || inventory.get(id) !== undefined)
    id = `p-${randomBytes(4).toString("hex")}`;
  return id;
}

interface Choice {
  readonly leaving: ReadonlySet<PcRecord>;
  readonly ports: MovedPcsPorts;
}

function freeName(
  { recorded, own }: Placed,
  { leaving, names, ports: { inventory } }: Choice & { readonly names: ReadonlySet<string> },
): string {
  const isFree = (name: string): boolean =>
    !names.has(foldedName(name)) && (inventory.isFreeName(name, own) || isLeft(name));
  const isLeft = (name: string): boolean =>
    [...leaving].some((pc) => foldedName(pc.name) === foldedName(name));
  if (isFree(recorded.name)) return recorded.name;
  for (let number = 2; ; number++) {
    const end = `-${number}`;
    const name = `${recorded.name.slice(0, 63 - end.length)}${end}`;
    if (isFree(name)) return name;
  }
}

function addressOf(
  { recorded, own }: Placed,
  { leaving, ports, told }: Choice & { readonly told: string[] },
): Pick<PcRecord, "address"> {
  const { address, name } = recorded;
  if (address === undefined) return {};
  const holder = ports.inventory.withAddress(bareAddress(address) ?? "");
  if (holder === null || holder === own || leaving.has(holder)) return { address };
  told.push(`${name} has no address here: ${address} is ${holder.name}'s`);
  return {};
}

/** Without its name and address. */
function pcOf({ recorded, own, rivals, id }: Placed, room: string, told: string[]): PcRecord {
  const { seat, lastSeen, nextBoot, halfWritten, bootUuid, fields, name, key } = recorded;
  const doubt = [...new Set([...(own?.doubt ?? []), ...rivals.map((rival) => rival.id)])];
  const isInDoubt = doubt.length > 0 && key?.state !== "revoked";
  if (isInDoubt)
    told.push(
      `it is not known whether ${name} is ${[...(rivals.length > 0 ? rivals.map((rival) => rival.name) : doubt)].join(" or ")}: say which with \`roomcast pc identify\``,
    );
  const isNewer = own !== null && (own.lastSeen ?? "") > (lastSeen ?? "");
  return {
    ...{ id, name, room, seat, nextBoot },
    hello: isNewer ? own.hello : recorded.hello,
    macs: joinedMacs(
      isNewer ? own.macs : recorded.macs,
      isNewer ? recorded.macs : (own?.macs ?? []),
    ),
    lastSeen: isNewer ? own.lastSeen : lastSeen,
    ...(bootUuid === undefined ? {} : { bootUuid }),
    ...(halfWritten === undefined ? {} : { halfWritten }),
    ...(fields === undefined ? {} : { fields }),
    ...(isInDoubt ? { doubt } : {}),
  };
}

/** What one server has revoked is revoked, and what one of them doubts a human has to settle. */
function keyOf(
  { recorded, own, rivals, id }: Placed,
  { admissions, told }: Telling,
): KeyRecord | null {
  const { key, name } = recorded;
  const known = own === null ? null : admissions.keyOf(own.id);
  if (key === null) return known === null ? null : { ...known, pc: id };
  const fingerprint = fingerprintOf(key);
  const forgotten = admissions.keyWith(fingerprint);
  const states = [key.state, ...(forgotten === null ? [] : [forgotten.state])];
  const isRevoked = states.includes("revoked");
  if (isRevoked && key.state !== "revoked")
    told.push(`the key of ${name} was revoked on this server`);
  const isInDoubt = rivals.length > 0 || (own?.doubt ?? []).length > 0 || key.state === "doubt";
  const isPlaced = states.includes("placed");
  const state = isRevoked ? "revoked" : isInDoubt ? "doubt" : isPlaced ? "placed" : "waiting";
  const placed = forgotten?.state === "placed" ? forgotten : key;
  return {
    ...{ fingerprint, kind: key.kind, spki: key.spki, pc: id, state },
    ...{ since: placed.since, by: placed.by, pcrDigest: placed.pcrDigest },
  };
}
