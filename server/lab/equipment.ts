import { randomBytes } from "node:crypto";
import type {
  CastReceiver,
  CastReceiverEvents,
  CastReceiverOptions,
  CastSender,
  CastSenderStats,
} from "../../core/cast/ends.ts";
import { assert, errorText } from "../../core/errors.ts";
import { imageName } from "../../core/image/manifest.ts";
import type { Manifest } from "../../core/image/types.ts";
import type { Input, PcId } from "../../core/session/kind.ts";
import type { CaptureState } from "../../core/session/kinds/capture.ts";
import type { RestoreState } from "../../core/session/kinds/restore.ts";
import type { LiveState } from "../../core/session/live-state.ts";
import { type BulkFrame, bulkKind } from "../../core/wire/bulk.ts";
import type { CastAddress, CastKeys } from "../../core/wire/cast-address.ts";
import type { SentRun } from "../../core/wire/sent-run.ts";
import type { ServerMessage } from "../../core/wire/server-message.ts";
import type { ImageStore } from "../store/image-store.ts";
import type { ImageWriter } from "../store/image-writer.ts";
import type { Announcer } from "./announcer.ts";
import { Cast, type CastsPorts, type Standing } from "./casts.ts";
import type { Fits, FitWish } from "./fits.ts";
import { LiveArchive } from "./live-archive.ts";
import type { Presence } from "./presence.ts";
import { placeOf, presentPcs, receiversOf } from "./receiving.ts";
import type { Session } from "./session.ts";
import type { LabTimers } from "./timers.ts";

/** What a cast of the server's own is opened with. */
export interface CastOpening {
  readonly address: CastAddress;
  readonly imageId: string;
  readonly room: string | null;
  /** The name of the network to cast on. */
  readonly network: string;
}

export interface EquipmentPorts {
  readonly images: ImageStore;
  readonly timers: LabTimers;
  readonly fits: Pick<Fits, "want">;
  readonly presence: Pick<Presence, "networkOf">;
  readonly announcer: Pick<Announcer, "note" | "session">;
  openSender(opening: CastOpening, stats: (stats: CastSenderStats) => void): Promise<CastSender>;
  /** Hears a cast on this network. */
  startReceiver(
    network: string,
    options: Omit<CastReceiverOptions, "interfaceAddress">,
    events: CastReceiverEvents,
  ): Promise<CastReceiver>;
  send(pc: PcId, message: ServerMessage): void;
  sendBulk(pc: PcId, kind: number, tag: number, payload: Uint8Array): void;
  /** An image is in the store and visible. */
  committed(manifest: Manifest): void;
  /** What came of it, for its session. */
  take(session: string, input: Input): void;
}

/** What one session has. */
interface Gear {
  /** Of its cast, as they are now: in memory only, so that a server started anew makes others. */
  keys: CastKeys;
  cast: Cast | null;
  /** Of a live cast. */
  archive: LiveArchive | null;
  /** Of a capture; null where its image was there before the server was started. */
  writer: ImageWriter | null;
  isSpaceAsked: boolean;
  /** The image of a restore, which stays here as long. */
  held: { readonly image: string; readonly hold: Disposable } | null;
  /** How to have nothing made to fit any more; null: nothing is. */
  withdrawFit: (() => void) | null;
}

/** What a PC says of the cast that it sends. */
type LiveStats = Omit<CastSenderStats, "receivers"> & { readonly receivers: readonly Standing[] };

/** A live cast leaves by the network of the PC that sends it, and by no other: its sender needs no name. */
const senderNetwork = "";

/** What sessions need beside their state, and lose with the server: casts and their keys, and images that are written. */
export class Equipment {
  private readonly ports: EquipmentPorts;
  private readonly gears = new Map<string, Gear>();
  /** Restores and live casts by the tag of their frames. */
  private readonly byTag = new Map<number, Session>();

  constructor(ports: EquipmentPorts) {
    this.ports = ports;
  }

  equip(session: Session): void {
    const gear: Gear = {
      ...{ keys: newCastKeys(), cast: null, archive: null, writer: null },
      ...{ isSpaceAsked: false, held: null, withdrawFit: null },
    };
    this.gears.set(session.id, gear);
    if (session.endedAt === null) this.holdImage(session);
    if (session.kindName === "cast") gear.archive = this.newArchive(session, gear);
    if (receiversOf(session) !== null) {
      gear.cast = this.newCast(session, gear);
      this.byTag.set(placeOf(session).tag, session);
    }
    if (session.kindName === "capture" && session.endedAt === null) {
      const { image, spec } = session.state as CaptureState;
      // A capture commits once: of one whose image is there, its PC's end alone is waited for.
      if (image === null) gear.writer = this.ports.images.beginImage(spec.name);
    }
  }

  /** The live cast of this session, if it is under way. */
  archiveOf(session: string): LiveArchive | undefined {
    return this.gears.get(session)?.archive ?? undefined;
  }

  /** What takes the chunks of a capture that is under way. */
  writerOf(session: string): ImageWriter | undefined {
    return this.gears.get(session)?.writer ?? undefined;
  }

  keysOf(session: string): CastKeys {
    return this.of(session).keys;
  }

  /** Its cast has other keys from here on. */
  rekey(session: string): void {
    const gear = this.of(session);
    const keys = newCastKeys();
    gear.keys = keys;
    gear.cast?.rekey(keys);
    gear.archive?.cast.rekey(keys);
  }

  /** The PC has been ordered to get ready for it. */
  prepareCast(session: string, pc: PcId): void {
    this.gears.get(session)?.cast?.prepare(pc);
  }

  /** What of the session's cast was sent to the PC, as in `Cast.sentTo`. */
  sentTo(session: string, pc: PcId): SentRun | null {
    return this.gears.get(session)?.cast?.sentTo(pc) ?? null;
  }

  /** Brings the session's cast, and what is made to fit for it, to what it wants. `pcs`: whom its newest facts are about. */
  sync(session: Session, pcs: Iterable<PcId>): void {
    this.holdImage(session);
    this.gears.get(session.id)?.cast?.sync(session.kind.wanted(session.durable).cast, pcs);
    this.syncFit(session);
  }

  /** An operator has ended work that the journal does not know to be over: a cast of which nothing is wanted ends. */
  letGo({ id, kind, state }: Session): void {
    if (kind.wanted(state).cast === null) this.gears.get(id)?.cast?.sync(null, []);
  }

  /** A version of its image is made for as long as the session wants one. */
  syncFit(session: Session): void {
    const gear = this.gears.get(session.id);
    if (gear === undefined) return;
    const { fit } = session.kind.wanted(session.durable);
    if ((fit !== undefined) === (gear.withdrawFit !== null)) return;
    gear.withdrawFit?.();
    gear.withdrawFit = fit === undefined ? null : this.wantFit(session, fit);
  }

  takeFrame(pc: PcId, frame: BulkFrame): void {
    const session = this.byTag.get(frame.tag);
    if (session === undefined) return;
    const { cast, archive } = this.of(session.id);
    if (frame.kind === bulkKind.wants) cast?.takeWants(pc, frame.payload);
    else if (frame.kind === bulkKind.report) cast?.takeReport(pc, frame.payload);
    else if (frame.kind === bulkKind.entries && isSender(session, pc))
      archive?.takeEntries(frame.payload);
  }

  /** What the PC at this attempt says of the cast that it sends. */
  takeStats(session: Session, pc: PcId, { receivers, ...totals }: LiveStats): void {
    if (isSender(session, pc))
      this.gears.get(session.id)?.cast?.takeStats(senderNetwork, totals, receivers);
  }

  /** As soon as the PC knows how much it will read. */
  requireSpace({ id }: Session, usedBytes: number): void {
    const gear = this.gears.get(id);
    if (gear === undefined || gear.isSpaceAsked) return;
    gear.isSpaceAsked = true;
    gear.writer?.requireSpace(usedBytes).catch((error: unknown) => {
      this.ports.take(id, { type: "not-stored", reason: errorText(error) });
    });
  }

  /** The session is over. */
  end(session: Session): void {
    const { id } = session;
    const { cast, archive, writer, held } = this.of(id);
    this.gears.delete(id);
    held?.hold[Symbol.dispose]();
    cast?.end();
    if (receiversOf(session) !== null) this.byTag.delete(placeOf(session).tag);
    archive?.close();
    writer?.abort().catch((error: unknown) => {
      const why = errorText(error);
      this.note(id, `what the capture left could not be tidied up: ${why}`);
    });
  }

  /** Resolves when no cast is open; they are left as they are with the server. */
  async close(): Promise<void> {
    await Promise.all([...this.gears.values()].map(({ cast }) => cast?.end()));
  }

  /** The one that it restores now: a version that was made to fit takes the place of what it was made of. */
  private holdImage({ id, kindName, state }: Session): void {
    const gear = this.gears.get(id);
    if (kindName !== "restore" || gear === undefined) return;
    const { image } = state as RestoreState;
    if (gear.held?.image === image.id) return;
    const before = gear.held;
    gear.held = { image: image.id, hold: this.ports.images.hold(image.id) };
    before?.hold[Symbol.dispose]();
  }

  private of(session: string): Gear {
    const gear = this.gears.get(session);
    assert(gear !== undefined, `session ${session} is under way`);
    return gear;
  }

  private note(session: string, text: string): void {
    this.ports.announcer.note({ session }, text);
  }

  private newCast(session: Session, gear: Gear): Cast {
    const { presence, take, announcer, openSender } = this.ports;
    const { archive } = gear;
    const where: Pick<CastsPorts, "home" | "networkOf" | "open"> =
      archive === null
        ? {
            home: null,
            networkOf: (pc) => presence.networkOf(pc),
            open(network, stats) {
              const { spec, image } = session.state as RestoreState;
              const address = { ...spec.cast, keys: gear.keys };
              const opening = { address, imageId: image.id, room: spec.room, network };
              return openSender(opening, stats);
            },
          }
        : {
            home: senderNetwork,
            networkOf: () => senderNetwork,
            open: async () => {
              archive.cast.join();
              return archive.cast.remoteSender();
            },
          };
    return new Cast(session, { ...where, take, counted: (id) => announcer.session(id) });
  }

  private newArchive(session: Session, gear: Gear): LiveArchive {
    const { images, timers, presence, send, sendBulk, startReceiver, committed, take } = this.ports;
    const { id } = session;
    const { saveAs, sender } = (session.state as LiveState).spec;
    return new LiveArchive(session, images.beginImage(saveAs ?? "live"), {
      ...{ timers, send, sendBulk, committed },
      castKeys: () => gear.keys,
      startReceiver: (options, events) =>
        startReceiver(presence.networkOf(sender), options, events),
      take: (input) => take(id, input),
      receivers: () => presentPcs((session.state as LiveState).receivers),
      untidy: (why) => this.note(id, `what the live cast left could not be tidied up: ${why}`),
    });
  }

  private wantFit({ id, gauges }: Session, fit: FitWish): () => void {
    const { fits, announcer, take } = this.ports;
    return fits.want(fit, {
      progress: (progress) => {
        gauges.fit = progress;
        announcer.session(id);
      },
      fitted: (made) => {
        const { id: imageId, rootHash, storedBytes } = made;
        const image = { id: imageId, name: imageName(made), rootHash, storedBytes };
        take(id, { type: "fitted", image });
      },
      failed: (reason) => take(id, { type: "not-fitted", reason }),
    });
  }
}

const isSender = ({ kindName, state }: Session, pc: PcId): boolean =>
  kindName === "cast" && (state as LiveState).spec.sender === pc;

const newCastKeys = (): CastKeys => ({
  chunk: randomBytes(32).toString("base64"),
  packet: randomBytes(8).toString("base64"),
});
