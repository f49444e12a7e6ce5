/** A room's PCs as a list in CSV: out, and in again, all of it or nothing. */
import { RoomcastError } from "../../core/errors.ts";
import { csvLine, plainCell, readCsv, safeCell } from "../../core/units/csv.ts";
import { parseMac } from "../../core/units/mac.ts";
import type { RoomImport } from "../../core/wire/api.ts";
import { foldedName, nameFault, pcNameRule, seatNameRule } from "../../core/wire/names.ts";
import { seatsLimit } from "../../core/wire/rooms.ts";
import { fieldName, fieldValueLimit, type PcFields } from "../../core/wire/views.ts";
import type { PcRecord, RoomRecord } from "../state/records.ts";
import { addressText, type LabNetwork, roomNetwork } from "./addresses.ts";
import type { Admissions } from "./admissions.ts";
import type { Announcer } from "./announcer.ts";
import type { Inventory } from "./inventory.ts";
import type { ListedPc } from "./listed-pc.ts";
import { bareAddress } from "./pc-index.ts";
import { changedFields } from "./pc-orders.ts";
import type { Personals } from "./personals.ts";
import type { RoomOwners } from "./room-owners.ts";

const columns = ["name", "seat", "mac", "address", "uuid"] as const;
type Column = (typeof columns)[number];
const fieldColumn = new RegExp(`^field:(${fieldName})$`);
const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Problems of a list that are told at once. */
const problemsTold = 50;

export interface RoomListsPorts {
  readonly inventory: Inventory;
  readonly admissions: Pick<Admissions, "listed">;
  readonly announcer: Announcer;
  readonly personals: Pick<Personals, "addressFault">;
  readonly owners: Pick<RoomOwners, "requireSettled">;
  networks(): readonly LabNetwork[];
  /** Its name, room or seat has changed. */
  placed(pc: PcRecord): void;
}

/** A line of the list, as far as it can be read. */
interface Row {
  readonly line: number;
  /** Null: the list has no such column. */
  readonly cells: Readonly<Record<Column, string | null>>;
  readonly fields: PcFields;
}

interface Planned extends ListedPc {
  readonly line: number;
}

export class RoomLists {
  private readonly ports: RoomListsPorts;

  constructor(ports: RoomListsPorts) {
    this.ports = ports;
  }

  /** Imported again it changes nothing. Throws `not-found`. */
  export(given: string): string {
    const { inventory } = this.ports;
    const pcs = inventory.pcsOf(inventory.room(given).name);
    const names = [...new Set(pcs.flatMap(({ fields = {} }) => Object.keys(fields)))].sort();
    const lines = pcs.map(({ name, seat, hello, address, fields = {} }) => [
      ...[name, seat ?? "", hello.mac, address ?? "", hello.identity.uuid ?? ""],
      ...names.map((field) => (Object.hasOwn(fields, field) ? (fields[field] ?? "") : "")),
    ]);
    const heading = [...columns, ...names.map((name) => `field:${name}`)];
    return [heading, ...lines].map((cells) => `${csvLine(cells.map(safeCell))}\r\n`).join("");
  }

  /**
   * Names, seats, addresses and fields of PCs by their MACs, as the list has them. A column that is not
   * there changes nothing; an empty cell takes away, but a name. Throws `bad-input` with all that is wrong.
   */
  import(given: string, text: string): RoomImport {
    const { inventory } = this.ports;
    const room = inventory.room(given);
    const problems: Problem[] = [];
    const rows = readRows(text, problems);
    const planned = rows.flatMap((row) => this.plan(row, room, problems) ?? []);
    this.check(planned, room, problems);
    if (problems.length > 0) throw refusal(problems);
    for (const name of new Set([room.name, ...planned.flatMap(({ pc }) => pc?.room ?? [])]))
      this.ports.owners.requireSettled(name);
    const isSame = ({ pc, place }: Planned): boolean =>
      pc !== null && placeText(pc) === placeText(place);
    const changing = planned.filter((each) => !isSame(each));
    const left = changing.flatMap(({ pc }) => pc?.room ?? []);
    const changed = new Map(
      inventory.saveList(changing).map((pc, number) => [changing[number], pc] as const),
    );
    for (const pc of changed.values()) this.changed(pc);
    for (const name of new Set([room.name, ...left])) this.ports.announcer.room(name);
    return {
      room: room.name,
      pcs: planned.map((each) => {
        const { line, pc, place } = each;
        const result = !changed.has(each) ? "same" : pc === null ? "expected" : "changed";
        return { line, pc: (changed.get(each) ?? pc)?.id ?? "", name: place.name, result };
      }),
    };
  }

  private changed(pc: PcRecord): void {
    const { admissions, announcer, placed } = this.ports;
    admissions.listed(pc);
    placed(pc);
    announcer.pc(pc.id);
  }

  /** What a line makes of which PC; undefined where that cannot be told. */
  private plan(row: Row, room: RoomRecord, problems: Problem[]): Planned | undefined {
    const { inventory } = this.ports;
    const { line, cells } = row;
    const count = problems.length;
    const say = (text: string): void => void problems.push({ line, text });
    const mac = parseMac(cells.mac ?? "");
    if (mac === undefined) say(`${JSON.stringify(cells.mac ?? "")} is no MAC`);
    const found = mac === undefined ? [] : inventory.withMac(mac);
    if (found.length > 1)
      say(`${mac} may be ${found.map(({ name }) => name).join(" or ")}: place these one by one`);
    const [pc = null] = found;
    if (pc?.doubt !== undefined)
      say(`it is not known for sure which PC has ${mac}: see \`roomcast pc show ${pc.name}\``);
    const uuid = cells.uuid === null || cells.uuid === "" ? null : cells.uuid.toLowerCase();
    if (uuid !== null && !uuidPattern.test(uuid)) say(`${JSON.stringify(uuid)} is no UUID`);
    const known = pc?.hello.identity.uuid?.toLowerCase() ?? null;
    if (uuid !== null && known !== null && uuid !== known)
      say(`the PC with ${mac} (${pc?.name}) has the UUID ${known}: it is another PC`);
    const seat = cells.seat === null ? seatOf(pc, room) : cells.seat || null;
    if (seat !== null) sayFault(nameFault(seatNameRule, seat), say);
    const wanted = cells.name ?? "";
    const isSeated = seat !== null && (pc === null || seat !== seatOf(pc, room));
    const named = isSeated ? room.settings.naming?.replace("{seat}", seat) : undefined;
    const name = wanted === "" ? (named ?? pc?.name) : wanted;
    if (name === undefined) say("it needs a name: it is new, and the room has no --naming");
    else sayFault(nameFault(pcNameRule, name), say);
    const before = pc?.address ?? null;
    const given = cells.address === null ? before : cells.address || null;
    const network = roomNetwork(room.settings, this.ports.networks(), bareAddress(given));
    const address = given === null ? null : addressText(given, network);
    if (address === undefined) say(`${JSON.stringify(given)} is no IPv4 address`);
    let fields = pc?.fields ?? {};
    try {
      fields = changedFields(fields, row.fields);
    } catch (error) {
      if (!(error instanceof RoomcastError)) throw error;
      say(error.message);
    }
    if (problems.length > count || mac === undefined || name === undefined) return undefined;
    const place = { name, room: room.name, seat, address: address ?? null, fields };
    return { line, pc, mac, uuid, place };
  }

  /** Whether each PC can have what it is to have, once all of the list is done. */
  private check(planned: readonly Planned[], room: RoomRecord, problems: Problem[]): void {
    const { inventory, personals } = this.ports;
    const listed = new Map(planned.flatMap(({ pc, line }) => (pc === null ? [] : [[pc.id, line]])));
    const others = inventory.pcs().filter(({ id }) => !listed.has(id));
    const holders = {
      mac: new Map<string, string>(),
      name: new Map(others.map(({ name }) => [foldedName(name), name])),
      seat: new Map(
        others.flatMap((pc) =>
          pc.room === room.name && pc.seat !== null ? [[pc.seat, pc.name] as const] : [],
        ),
      ),
      address: new Map(
        others.flatMap(({ address, name }) => {
          const bare = bareAddress(address ?? null);
          return bare === null ? [] : [[bare, name] as const];
        }),
      ),
    };
    for (const { line, pc, mac, place } of planned) {
      const { name, seat, address } = place;
      const take = (what: keyof typeof holders, key: string | null, shown: string): void => {
        if (key === null) return;
        const holder = holders[what].get(key);
        if (holder === undefined) holders[what].set(key, `line ${line}`);
        else problems.push({ line, text: `the ${what} ${shown} is that of ${holder}` });
      };
      take("mac", pc?.id ?? mac, mac);
      take("name", foldedName(name), name);
      take("seat", seat, seat ?? "");
      take("address", bareAddress(address), address ?? "");
      const isNew = address !== (pc?.address ?? null) || pc?.room !== room.name;
      if (address === null || !isNew) continue;
      const why = personals.addressFault(address, pc?.macs ?? [mac], room.settings);
      if (why !== null) problems.push({ line, text: `the address ${address} ${why}` });
    }
    const seats = new Set([...room.seats.map((seat) => seat.name), ...holders.seat.keys()]);
    if (seats.size > seatsLimit)
      problems.push({ line: 1, text: `the room would have more than ${seatsLimit} seats` });
  }
}

interface Problem {
  readonly line: number;
  readonly text: string;
}

function readRows(text: string, problems: Problem[]): Row[] {
  const read = readCsv(text);
  if (!read.ok) {
    problems.push({ line: 0, text: read.reason });
    return [];
  }
  const [heading, ...rows] = read.value;
  const names = (heading?.cells ?? []).map((cell) => plainCell(cell.trim()));
  const line = heading?.line ?? 1;
  for (const [number, name] of names.entries()) {
    if (!(columns as readonly string[]).includes(name) && !fieldColumn.test(name))
      problems.push({ line, text: `there is no column ${JSON.stringify(name)}: use ${usable}` });
    else if (names.indexOf(name) !== number)
      problems.push({ line, text: `the column ${name} is there twice` });
  }
  if (!names.includes("mac"))
    problems.push({ line, text: `there is no column mac: use ${usable}` });
  if (rows.length > seatsLimit)
    problems.push({ line, text: `it has more than ${seatsLimit} PCs: part it` });
  return problems.length > 0 ? [] : rows.flatMap((row) => readRow(row, names, problems) ?? []);
}

const usable = `${columns.join(", ")} and field:NAME, parted by commas`;

function readRow(
  { line, cells }: { readonly line: number; readonly cells: readonly string[] },
  names: readonly string[],
  problems: Problem[],
): Row | undefined {
  if (cells.length > names.length) {
    problems.push({
      line,
      text: `it has ${cells.length} cells, and there are ${names.length} columns`,
    });
    return undefined;
  }
  const cellOf = (name: string): string | null => {
    const at = names.indexOf(name);
    return at < 0 ? null : plainCell(cells[at] ?? "");
  };
  const fields = names.flatMap((name) => {
    const field = fieldColumn.exec(name)?.[1];
    const value = cellOf(name) ?? "";
    if (value.length > fieldValueLimit)
      problems.push({ line, text: `${name} has more than ${fieldValueLimit} characters` });
    return field === undefined ? [] : [[field, value] as const];
  });
  const trimmed = columns.map((name) => [name, cellOf(name)?.trim() ?? null] as const);
  return {
    line,
    cells: Object.fromEntries(trimmed) as Row["cells"],
    fields: Object.fromEntries(fields),
  };
}

const seatOf = (pc: PcRecord | null, room: RoomRecord): string | null =>
  pc !== null && pc.room === room.name ? pc.seat : null;

/** What a list decides of a PC, to be compared. */
const placeText = (
  pc: Pick<PcRecord, "name" | "room" | "seat" | "fields" | "unplaced"> & {
    readonly address?: string | null;
  },
): string =>
  JSON.stringify([
    [pc.name, pc.room, pc.seat, pc.address ?? null, pc.unplaced === true],
    Object.entries(pc.fields ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)),
  ]);

function sayFault(fault: { readonly what: string } | null, say: (text: string) => void): void {
  if (fault !== null) say(fault.what);
}

function refusal(problems: readonly Problem[]): RoomcastError {
  const lines = problems
    .slice(0, problemsTold)
    .map(({ line, text }) => (line === 0 ? text : `line ${line}: ${text}`));
  const more = problems.length - lines.length;
  const what = [...lines, ...(more > 0 ? [`and ${more} more`] : [])].join("; ");
  return new RoomcastError("bad-input", what, "mend the list: nothing of it was taken");
}
