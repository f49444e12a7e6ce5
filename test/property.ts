/**
 * Property tests draw the same cases every time, so that the gate says the same of the same code;
 * `make fuzz` draws others. A failure names its seed: `make fuzz SEED=n` draws them once more.
 */
import fc from "fast-check";

fc.configureGlobal({ seed: Number(process.env.SEED || 1) });
