/** Whose loss it was: what comes of steps down. The symbols are those of `docs/cast.md`. */
import { scatterOf } from "./overrun.ts";

/** `κ`, a factor: loss of which this much has stayed although the rate fell is not caused by the rate. */
const sameLoss = 0.7;
/** `n_same`, steps down before such loss is the wire's own: the overrun of another passes sooner. */
export const sameSteps = 2;
/** `p_heavy`, a fraction: more loss than this takes `n_heavy` steps, because it is more often our doing. */
const heavyLoss = 0.2;
/** `n_heavy`, steps down. */
const heavySteps = 3;
/** `n_last`, steps down after which loss that varies is the wire's own, if enough of it is left. */
const lastSteps = 4;
/** `ρ`, a factor: so much of it is enough. */
const remainingLoss = 0.4;

/** A pending trial: steps down whose effect has yet to be seen. */
export interface Trial {
  /** `r_0`, bits a second: the rate before the first step. */
  readonly rateBps: number;
  /** `p_0`, a fraction: the loss at that rate. */
  readonly loss: number;
  /** `b_0`, a fraction: the part of that loss which was the wire's own already. */
  readonly borne: number;
  /** `n`: how many steps down there were. */
  readonly steps: number;
  /** Stretches since the last of them. */
  readonly stretches: number;
  /** Too much was lost for a burst. */
  readonly isSure: boolean;
}

/**
 * What the loss of so many packets after the steps down shows: the loss is the wire's own, or it has stayed
 * without being that yet, or it has gone.
 */
export function outcomeOf(
  trial: Trial,
  loss: number,
  { packets, isOverrun }: { readonly packets: number; readonly isOverrun: boolean },
): "of-wire" | "stayed" | "gone" {
  const spread = scatterOf(trial.loss, packets);
  const excess = trial.loss - trial.borne;
  const least = trial.borne + Math.max(excess * remainingLoss, excess * sameLoss - spread);
  const isSame = loss > least && loss < trial.borne + excess / sameLoss + spread;
  const steps = trial.loss < heavyLoss ? sameSteps : heavySteps;
  const isOfWire = isSame ? trial.steps >= steps : isOverrun && trial.steps >= lastSteps;
  if (isOfWire && loss > least) return "of-wire";
  return isOverrun || isSame ? "stayed" : "gone";
}
