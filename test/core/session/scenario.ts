/** What happens in sessions, as data: inputs in turn, and what has to follow from each. */
import type { Input, PcId } from "../../../core/session/kind.ts";
import type { KindName } from "../../../core/session/registry.ts";
import { connected, ready, restoreSpec } from "./play.ts";

export interface Phase {
  /** Lab time that passes before, in milliseconds; alone it is a tick. */
  readonly after?: number;
  readonly inputs?: readonly Input[];
  /** Of all the inputs of the phase, in short words. */
  readonly facts: readonly string[];
  readonly wanted?: Readonly<Record<PcId, number>>;
  readonly cast?: readonly PcId[] | null;
  readonly results?: Readonly<Record<PcId, string>>;
}

export interface Scenario {
  readonly name: string;
  readonly kind: KindName;
  readonly spec: unknown;
  readonly phases: readonly Phase[];
}

/** Both PCs are there and receive. */
export const bothReceive: Phase = {
  inputs: [connected("a"), ready("a"), connected("b"), ready("b")],
  facts: [
    ...["a ordered 1", "a readied", "opened ready", "a joined"],
    ...["b ordered 1", "b readied", "b joined"],
  ],
  wanted: { a: 1, b: 1 },
  cast: ["a", "b"],
};

export const oneReceives: Phase = {
  inputs: [connected("a"), ready("a")],
  facts: ["a ordered 1", "a readied", "opened ready", "a joined"],
};

/** Of one PC. */
export const one = restoreSpec({ pcs: ["a"] });
