import { access, constants, writeFile } from "node:fs/promises";
import { join, parse } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { errorText, RoomcastError } from "../../core/errors.ts";
import { diskIdentity, diskLine } from "../../core/screen/disk.ts";
import { sizeText } from "../../core/screen/format.ts";
import { identityLines, identityText, orderKeyLines, shownOf } from "../../core/screen/identity.ts";
import { forgottenLines } from "../../core/screen/losses.ts";
import { table } from "../../core/screen/table.ts";
import { requireWiped } from "../../core/screen/wiped.ts";
import { codeText } from "../../core/trust/code.ts";
import { foldedName } from "../../core/wire/names.ts";
import type { RoomView } from "../../core/wire/rooms.ts";
import type { DiskView, PcView, SessionView } from "../../core/wire/views.ts";
import type { ApiClient } from "../api/client.ts";
import { certificateText } from "./certificate.ts";
import type { RunCommand } from "./context.ts";
import { sayLost, withDryRun } from "./dry-run.ts";
import { forEachPc } from "./each-pc.ts";
import { atServerOf } from "./room-server.ts";
import { shell } from "./shell.ts";
import { diskOptionText, failingOptionText, keysOf, targetLines } from "./targets.ts";
import { overElsewhere } from "./watch.ts";

interface WipeOptions {
  readonly method: string;
  readonly certificate?: string;
  readonly disk?: string;
  readonly useFailingDisk?: string[];
  readonly dryRun?: boolean;
}

const path = (reference: string): string => `/pcs/${encodeURIComponent(reference)}`;

export function addPcCommands(program: Command, run: RunCommand, term: string): void {
  const pc = program.command("pc").description("manages PCs; PC is an id, a name or a MAC address");

  pc.command("list")
    .description("lists the PCs")
    .option("--room <R>", "only the PCs of this room")
    .action((options: { room?: string }) =>
      run(async (context) => {
        const { client, say, document } = await atServerOf(context, options.room);
        const pcs = (await client.get<PcView[]>("/pcs")).filter(
          ({ room }) => options.room === undefined || foldedName(room) === foldedName(options.room),
        );
        document(pcs);
        say(
          table(
            ["NAME", "ROOM", "SEAT", "STATE", "KEY", "ADDRESS", "MAC", "DISK"],
            pcs.map((each) => [
              nameText(each),
              each.room,
              each.seat ?? "",
              each.state,
              identityText(each.identity),
              each.ip ?? "",
              each.mac,
              each.disks.map(diskSummary).join(", "),
            ]),
          ),
        );
        return 0;
      }),
    );

  pc.command("show <PC>")
    .description("shows all that is known of a PC")
    .action((reference: string) =>
      run(async ({ client, say, document }) => {
        const found = await client.get<PcView>(path(reference));
        document(found);
        for (const line of describe(found)) say(line);
        return 0;
      }),
    );

  pc.command("set <PC>")
    .description("names a PC and places it in a room")
    .option("--name <N>", "its name")
    .option("--room <R>", "its room")
    .option("--seat <S>", "its seat in the room, or none")
    .option(
      "--address <ADDRESS/LEN>",
      "its own address, if its room has such (`room set`), or none",
    )
    .option("--field <NAME=VALUE...>", "fields of your own; NAME= takes one away", fieldOf)
    .action((reference: string, options: SetOptions) =>
      run(async ({ client, say, document }) => {
        const { seat, address, field, ...change } = options;
        const found = await client.patch<PcView>(path(reference), {
          ...change,
          ...(seat === undefined ? {} : { seat: orNone(seat) }),
          ...(address === undefined ? {} : { address: orNone(address) }),
          ...(field === undefined ? {} : { fields: field }),
        });
        document(found);
        const where = found.seat === null ? "" : `, seat ${found.seat}`;
        const own = found.address === null ? "" : `, address ${found.address}`;
        say(`${found.name} (${found.mac}) is in room ${found.room}${where}${own}`);
        return 0;
      }),
    );

  pc.command("identify <PC>")
    .description("says which PC it is, if the server could not tell")
    .option("--as <OTHER>", "the known PC that it is")
    .option("--new", "it is a new PC")
    .action((reference: string, options: { as?: string; new?: boolean }) =>
      run(async ({ client, say, document }) => {
        if ((options.as === undefined) === (options.new === undefined)) {
          throw new RoomcastError("usage", "give either --as or --new", "see `roomcast pc list`");
        }
        const request = { as: options.as ?? null };
        const found = await client.post<PcView>(`${path(reference)}/identify`, request);
        document(found);
        say(`${reference} is ${found.name} (${found.mac})`);
        return 0;
      }),
    );

  pc.command("admit <PC...>")
    .description("lets PCs have orders: compare the code on each screen first")
    .action((references: string[]) =>
      run(({ client, say, document }) =>
        changeEach(references, document, async (reference) => {
          const { identity } = await client.get<PcView>(path(reference));
          const code = identity?.code ?? null;
          const found = await client.post<PcView>(`${path(reference)}/admit`, { code });
          const said = code === null ? "" : ` (code ${codeText(code)})`;
          say(`${reference}${said} is ${found.name}: ${identityText(found.identity)}`);
          return found;
        }),
      ),
    );

  pc.command("revoke <PC...>")
    .description("makes the keys of PCs worth nothing: they are cut off, and get nothing any more")
    .action((references: string[]) =>
      run(({ client, say, document }) =>
        changeEach(references, document, async (reference) => {
          const found = await client.post<PcView>(`${path(reference)}/revoke`, {});
          say(`${reference}: its key is revoked`);
          return found;
        }),
      ),
    );

  withDryRun(
    pc.command("forget <PC>").description("removes a PC, and its key, from the inventory"),
  ).action((reference: string, { dryRun = false }: { dryRun?: boolean }) =>
    run(async (context) => {
      const { client, document } = context;
      if (dryRun) {
        const { name, id, room, seat, address, fields, identity } = await client.get<PcView>(
          path(reference),
        );
        const place = `its place in room ${room}${seat === null ? "" : `, seat ${seat}`}`;
        const key = identity === null ? "" : `, its key (${identityText(identity)})`;
        const own = address === null ? "" : `, its address ${address}`;
        const named = Object.keys(fields).map((each) => `, its field ${each}`);
        const lost = `${name} (${id}) will be forgotten: ${place}${own}${named.join("")}${key}.`;
        return sayLost(context, [lost, ...forgottenLines()]);
      }
      await client.delete(path(reference));
      document({ pc: reference, forgotten: true });
      return 0;
    }),
  );

  pc.command("shell <PC>")
    .description("opens a terminal on the PC")
    .action((reference: string) => run((context) => shell(context, reference, term)));

  for (const [action, description] of powerActions) {
    pc.command(`${action} <PC...>`)
      .description(description)
      .action((references: string[]) =>
        run(({ client, say, document }) =>
          changeEach(references, document, async (reference) => {
            await client.post(`${path(reference)}/power`, { action });
            say(`${reference}: ${action === "wake" ? "wake-on-LAN packets sent" : action}`);
            return { pc: reference, action };
          }),
        ),
      );
  }

  withDryRun(pc.command("wipe <PC...>").description("wipes a disk of each PC"))
    .option(
      "--method <METHOD>",
      "discard (TRIM; zeroes where the disk has none), zero, or secure-erase (the disk's own command)",
      "discard",
    )
    .option("--disk <DEV>", diskOptionText)
    .option("--use-failing-disk <SERIAL...>", failingOptionText)
    .option(
      "--certificate <FILE>",
      "writes what was done, signed by the server; of several PCs a file each, with the PC's name in its own",
    )
    .action((references: string[], options: WipeOptions) =>
      run(async (context) => {
        const { client, say, confirm, document } = context;
        const pcs: PcView[] = [];
        for (const reference of references) pcs.push(await client.get<PcView>(path(reference)));
        const { method, disk = null, useFailingDisk: failingDisks = [] } = options;
        const rooms = await client.get<RoomView[]>("/rooms");
        const keys = keysOf(pcs, rooms, true);
        const lines = targetLines(pcs, rooms, {
          named: disk,
          failingDisks,
          sectors: null,
        });
        const word = pcs.map(({ name }) => name).join(",");
        const files = await certificateFiles(options.certificate, pcs);
        const what = ["The disks of these PCs will be wiped:", ...lines, ...orderKeyLines(keys)];
        if (options.dryRun === true) return sayLost(context, what);
        await confirm(what, word);
        const shown = shownOf(keys);
        // A call lasts until its wipe is over.
        await forEachPc(
          pcs,
          ({ name }) => name,
          async ({ id, name }) => {
            const request = { method, disk, failingDisks, overwrite: name, shown };
            const session = await wipe(client, `${path(id)}/wipe`, request);
            document(session);
            say(`${name}: wiped`);
            for (const { detail } of session.members[0]?.steps ?? []) say(`  ${detail}`);
            const file = files.get(id);
            if (file === undefined) return;
            await writeFile(file, await certificateText(client, session.id), { flag: "wx" });
            say(`  certificate: ${file}`);
          },
          pcs.length,
        );
        return 0;
      }),
    );
}

/** Does it for one PC after the other. What came of each that was not refused is the document. */
async function changeEach<T>(
  references: readonly string[],
  document: (value: unknown) => void,
  change: (reference: string) => Promise<T>,
): Promise<number> {
  const changed: T[] = [];
  try {
    await forEachPc(
      references,
      (reference) => reference,
      async (reference) => void changed.push(await change(reference)),
    );
  } finally {
    document(changed);
  }
  return 0;
}

/** Answers when it is over. Through a campus it is only begun by the call: that one would hold up the others for hours. */
async function wipe(client: ApiClient, call: string, request: object): Promise<SessionView> {
  if (client.server === null) return client.post(call, request);
  const begun = await client.post<SessionView>(call, { ...request, wait: false });
  const session = await overElsewhere(client, begun);
  requireWiped(session);
  return session;
}

/** The file of each PC, by its id; throws `refused` for one that is there: it may be the only one of its kind. */
async function certificateFiles(
  file: string | undefined,
  pcs: readonly PcView[],
): Promise<ReadonlyMap<string, string>> {
  if (file === undefined) return new Map();
  const { dir, name, ext } = parse(file);
  const nameOf = (pc: PcView): string =>
    pcs.length === 1 ? file : join(dir, `${name}-${pc.name}${ext}`);
  const files = new Map(pcs.map((pc) => [pc.id, nameOf(pc)]));
  await access(dir === "" ? "." : dir, constants.W_OK).catch((cause: unknown) => {
    const next = "name a --certificate in a folder that is there, and that you may write to";
    throw new RoomcastError("refused", errorText(cause), next, { cause });
  });
  for (const each of files.values()) {
    const isThere = await access(each).then(
      () => true,
      () => false,
    );
    if (isThere)
      throw new RoomcastError("refused", `${each} is there already`, "name another --certificate");
  }
  return files;
}

const powerActions = [
  ["wake", "wakes PCs with wake-on-LAN packets"],
  ["reboot", "reboots PCs through their agents"],
  ["poweroff", "switches PCs off through their agents"],
  ["boot-disk", "starts PCs from their own disks"],
] as const;

const candidates = ({ doubt }: PcView): string => (doubt ?? []).map(({ name }) => name).join(", ");

const orNone = (text: string): string | null => (text === "none" ? null : text);

interface SetOptions {
  readonly name?: string;
  readonly room?: string;
  readonly seat?: string;
  readonly address?: string;
  readonly field?: Readonly<Record<string, string>>;
}

/** One more NAME=VALUE. */
function fieldOf(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const at = text.indexOf("=");
  if (at > 0) return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
  throw new InvalidArgumentError("It has to be NAME=VALUE, or NAME= to take the field away.");
}

function nameText(pc: PcView): string {
  if (pc.doubt !== null) return `${pc.name} (which one? ${candidates(pc)})`;
  return pc.moved === undefined ? pc.name : `${pc.name} (${movedText(pc.moved)})`;
}

const movedText = ({ room, server }: NonNullable<PcView["moved"]>): string =>
  `of room ${room}, which is at the server ${server} now`;

const diskSummary = (disk: DiskView): string => `${diskIdentity(disk)} ${sizeText(disk.size)}`;

function describe(pc: PcView): string[] {
  const memory = pc.memoryBytes === null ? "unknown" : sizeText(pc.memoryBytes);
  const speed = pc.nic.speedMbps === null ? "" : ` ${pc.nic.speedMbps} Mbit/s`;
  return [
    `${pc.name} (${pc.id}), room ${pc.room}${pc.seat === null ? "" : `, seat ${pc.seat}`}`,
    `state     ${pc.state}${pc.session === null ? "" : `, session ${pc.session}`}`,
    ...(pc.moved === undefined ? [] : [`moved     ${movedText(pc.moved)}`]),
    ...(pc.bootTrouble === null ? [] : [`boot      ${pc.bootTrouble}`]),
    ...identityLines(pc).map((text, index) => `${index === 0 ? "key" : ""}`.padEnd(10) + text),
    `address   ${pc.ip ?? "none"}, ${pc.macs.join(" ")}`,
    ...(pc.address === null ? [] : [`its own   ${pc.address}`]),
    ...Object.entries(pc.fields).map(([name, value]) => `field     ${name}=${value}`),
    `firmware  ${pc.firmware ?? "unknown"}${pc.secureBoot === true ? ", Secure Boot" : ""}`,
    `network   ${pc.nic.driver ?? "unknown"}${speed}`,
    `memory    ${memory}`,
    ...pc.disks.map((disk) => `disk      ${diskLine(disk)}`),
    `agent     ${pc.agentVersion ?? "none"}, last seen ${pc.lastSeen ?? "never"}`,
  ];
}
