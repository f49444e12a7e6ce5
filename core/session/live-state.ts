/** How a live cast stands: its receivers, the PC that sends, and the image that is made of it. */
import type { MeantDisk } from "../wire/meant-disk.ts";
import type { LabTime, PcId, Stamp } from "./kind.ts";
import type { ReceiversSpec } from "./kinds/restore.ts";
import {
  awaitedFrom,
  beginReceivers,
  evolveReceivers,
  type ReceiverFact,
  type Receivers,
  readReceivers,
  type StoredReceivers,
} from "./receivers.ts";
import { move, type Table } from "./table.ts";

/** The sender is ordered once. */
export const senderAttempt = 1;

export interface LiveSpec extends ReceiversSpec {
  readonly sender: PcId;
  readonly senderName: string;
  /** The image that it is stored as; null: none. */
  readonly saveAs: string | null;
  /** The disk that is read; null: as the agent chooses. */
  readonly sourceDisk: string | null;
  /** What `sourceDisk` was when it was ordered; absent: it was not known. */
  readonly sourceMeant?: MeantDisk;
  readonly raw: boolean;
}

type SenderLife = "mapping" | "sending" | "lost" | "finishing" | "over";

type SenderWord = SenderFact["type"];

export const senderTable: Table<SenderLife, SenderWord> = {
  mapping: { planned: "sending", "sender-went": "lost", "sender-over": "over" },
  sending: { "sender-went": "lost", "sender-finishing": "finishing", "sender-over": "over" },
  lost: {
    planned: "lost",
    "sender-mapping": "mapping",
    "sender-sending": "sending",
    "sender-over": "over",
  },
  finishing: { "sender-over": "over" },
  over: {},
};

type SenderFact = { readonly pc: PcId } & (
  | { readonly type: "planned" }
  | { readonly type: "sender-went"; readonly reason: string; readonly until: LabTime }
  /** It is there again: still at the map of its disk, or at the cast. */
  | { readonly type: "sender-mapping" | "sender-sending" }
  /** Everyone has everything: it may end. */
  | { readonly type: "sender-finishing"; readonly until: LabTime }
  | { readonly type: "sender-over" }
);

type ArchiveFact = { readonly pc: null } & (
  | { readonly type: "sealed"; readonly rootHash: string; readonly storedBytes: number }
  | { readonly type: "stored"; readonly image: string; readonly imageId: string }
  | { readonly type: "not-stored"; readonly reason: string }
);

export type LiveFact = ReceiverFact | SenderFact | ArchiveFact;

export interface LiveState {
  readonly spec: LiveSpec;
  readonly receivers: Receivers;
  readonly sender:
    | { readonly name: "mapping" | "sending" | "over" }
    | { readonly name: "lost"; readonly until: LabTime; readonly reason: string }
    | { readonly name: "finishing"; readonly until: LabTime };
  readonly isPlanned: boolean;
  /** Known once every hash is. */
  readonly rootHash: string | null;
  readonly storedBytes: number | null;
  /** Of a cast that is to be stored: the session ends with it. */
  readonly archive: "none" | "pending" | "stored" | "failed";
  /** Why the server keeps no copy. */
  readonly trouble: string | null;
  /** Once it is stored. */
  readonly image: { readonly name: string; readonly id: string } | null;
}

/** As JSON has it. */
export type StoredLive = Omit<LiveState, "receivers"> & { readonly receivers: StoredReceivers };

export const readLive = (stored: StoredLive): LiveState => ({
  ...stored,
  receivers: readReceivers(stored.receivers),
});

export const beginLive = (spec: LiveSpec, at: LabTime): LiveState => ({
  spec,
  receivers: beginReceivers(spec, at),
  sender: { name: "mapping" },
  isPlanned: false,
  rootHash: null,
  storedBytes: null,
  archive: spec.saveAs === null ? "none" : "pending",
  trouble: null,
  image: null,
});

/** The room has what it gets, though it may not have been seen to come up. */
export const hasServed = ({ phase }: Receivers): boolean => phase === "proving" || phase === "over";

export function evolveLive(state: LiveState, fact: LiveFact, stamp: Stamp): LiveState {
  switch (fact.type) {
    case "sealed":
      return { ...state, rootHash: fact.rootHash, storedBytes: fact.storedBytes };
    case "stored":
      return { ...state, archive: "stored", image: { name: fact.image, id: fact.imageId } };
    case "not-stored": {
      const archive = state.archive === "pending" ? "failed" : state.archive;
      const { saveAs } = state.spec;
      const trouble =
        saveAs === null
          ? `the server keeps no copy for PCs that multicast does not reach: ${fact.reason}`
          : `no image ${saveAs} was stored: ${fact.reason}`;
      return { ...state, archive, trouble };
    }
    case "planned": {
      const name = move(senderTable, state.sender.name, fact.type);
      const { sender } = state;
      return {
        ...{ ...state, isPlanned: true, sender: name === "sending" ? { name } : sender },
        receivers: awaitedFrom(state.receivers, stamp.at),
      };
    }
    case "sender-mapping":
    case "sender-sending":
    case "sender-over": {
      const name = move(senderTable, state.sender.name, fact.type);
      return { ...state, sender: { name: name as "mapping" | "sending" | "over" } };
    }
    case "sender-went": {
      move(senderTable, state.sender.name, fact.type);
      return { ...state, sender: { name: "lost", until: fact.until, reason: fact.reason } };
    }
    case "sender-finishing": {
      move(senderTable, state.sender.name, fact.type);
      return { ...state, sender: { name: "finishing", until: fact.until } };
    }
    default:
      return { ...state, receivers: evolveReceivers(state.receivers, fact, stamp) };
  }
}
