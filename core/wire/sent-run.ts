import { type Static, Type } from "typebox";

/**
 * Packets of a cast that went out one after another without a pause, from this sequence of this generation on: who
 * has listened all the while and heard none of them does not hear the sender.
 */
export const SentRun = Type.Object({
  generation: Type.Integer({ minimum: 0, maximum: 0xffff }),
  from: Type.Integer({ minimum: 0, maximum: 0xffff_ffff }),
});
export type SentRun = Static<typeof SentRun>;
