import { availableParallelism } from "node:os";

/**
 * How many chunks are under way at once between a disk and `cores` cores: a disk is busy with 4 (measured), and each core
 * hashes, inflates or packs one more. Two less than libuv's pool has threads in the boot image (initrd/init/session), so
 * that the agent can open files and ask its TPM while a disk hangs.
 */
export const laneCountOf = (cores: number): number => 4 + Math.min(12, cores);

/** The same on this machine. */
export const laneCount = laneCountOf(availableParallelism());
