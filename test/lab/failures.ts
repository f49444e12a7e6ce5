/** What a lab can be found to do wrong; each has an exit status of its own (`make lab`). */

/** A promise was broken: 129. */
export class CorrectnessError extends Error {
  override readonly name = "CorrectnessError";
}

/** Nothing goes wrong any more, and something does not end: 128. */
export class LivenessError extends Error {
  override readonly name = "LivenessError";
}

export function must(isSo: boolean, what: () => string): void {
  if (!isSo) throw new CorrectnessError(what());
}

export const statusOfFailure = (error: unknown): number =>
  error instanceof CorrectnessError ? 129 : error instanceof LivenessError ? 128 : 127;
