/** Somebody on the room's network who sends to the group what the sender did not. */
import { PacketSeal } from "../../core/cast/seal.ts";
import {
  dataPacketBytes,
  emptyHeader,
  headerBytes,
  packetKind,
  readHeader,
  repairPacketBytes,
  syncPacketBytes,
  writeHeader,
  writeMembers,
  writeReportEvery,
} from "../../core/wire/cast.ts";
import type { SimRoom } from "./room.ts";

export interface StrangerOptions {
  readonly packetsPerSecond: number;
  /** Has the keys, and so is a member of the session: its packets are sealed right, and their symbols wrong. */
  readonly isMember: boolean;
}

/** From now on, until the room is done. */
export function disturb({ packetsPerSecond, isMember }: StrangerOptions, room: SimRoom): void {
  const header = emptyHeader();
  const { random } = room;
  /** What fits the packet heard last in all that can be seen. */
  const forge = (heard: Uint8Array): Uint8Array => {
    readHeader(heard, 0, heard.length, header);
    const kind = isMember || random() < 0.6 ? packetKind.data : random() < 0.5 ? 1 : 2;
    const length = [dataPacketBytes, repairPacketBytes, syncPacketBytes][kind] as number;
    const packet = Uint8Array.from({ length }, () => random() * 256);
    const isOther = !isMember && random() < 0.2;
    header.kind = kind;
    header.tag = isOther ? header.tag ^ 1 : header.tag;
    header.generation = !isMember && random() < 0.1 ? random() * 65536 : header.generation;
    header.sequence += !isMember && random() < 0.3 ? random() * 2 ** 31 : 0;
    header.symbol = kind === packetKind.data ? Math.floor(header.symbol + random() * 20) : 2;
    writeHeader(packet, 0, header);
    if (kind === packetKind.repair) writeMembers(packet, 0, [0, 1]);
    if (kind === packetKind.sync) writeReportEvery(packet, 0, 2000);
    if (isMember) new PacketSeal(room.keysInUse.packet).write(packet, 0, length);
    return packet;
  };
  const strike = (): void => {
    const heard = room.lastPacket;
    if (heard !== null && heard.length > headerBytes) {
      // Now and then only what was heard, once more.
      room.intrude(!isMember && random() < 0.1 ? heard : forge(heard));
    }
    room.time.at(room.time.now + (1000 / packetsPerSecond) * (0.5 + random()), strike);
  };
  room.time.at(room.time.now + 1, strike);
}
