/**
 * Does the work of one message, timer or datagram: what it throws, at once or by its promise, goes to
 * `onError` and no further, so that nothing that arrives can end the process.
 */
export function guarded(onError: (error: Error) => void, work: () => unknown): void {
  try {
    const result = work();
    if (result instanceof Promise) result.catch((error: unknown) => onError(asError(error)));
  } catch (error) {
    onError(asError(error));
  }
}

/** What was thrown, as an error. */
export const asError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Error(String(thrown));
