/** The kinds of sessions. A new one is a file in `kinds/` and a line here. */
import type { Fact, Kind } from "./kind.ts";
import { capture } from "./kinds/capture.ts";
import { liveCast } from "./kinds/live-cast.ts";
import { restore } from "./kinds/restore.ts";
import { wipe } from "./kinds/wipe.ts";

export const kinds = { restore, cast: liveCast, capture, wipe } as const;

export type KindName = keyof typeof kinds;
export type SpecOf<K extends KindName> = Parameters<(typeof kinds)[K]["begin"]>[0];
export type StateOf<K extends KindName> = ReturnType<(typeof kinds)[K]["begin"]>;

/** A kind as the engine holds it: it hands back only what the kind itself made. */
export type AnyKind = Kind<unknown, unknown, Fact>;

export const kindNamed = (name: KindName): AnyKind => kinds[name] as unknown as AnyKind;
export const isKindName = (name: string): name is KindName => Object.hasOwn(kinds, name);
