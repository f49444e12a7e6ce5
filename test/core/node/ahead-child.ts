/** A process that has nothing to do but for a worker that waits for its cast. */
import { receiversAhead } from "../../../core/node/cast/receiver.ts";

receiversAhead();
process.disconnect?.();
