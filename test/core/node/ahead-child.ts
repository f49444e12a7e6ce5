/** A process that has nothing to do but for workers that wait for their casts. */
import { receiversAhead } from "../../../core/node/cast/receiver.ts";
import { sendersAhead } from "../../../core/node/cast/sender.ts";

receiversAhead();
sendersAhead();
process.disconnect?.();
