/** Loaded first into a process, makes its wall clock be `CLOCK_AHEAD_MS` ahead. What counts time that passes is as it was. */
const aheadMs = Number(process.env.CLOCK_AHEAD_MS);
const RealDate = Date;

globalThis.Date = class extends RealDate {
  constructor(...parts: readonly unknown[]) {
    const own = parts.length === 0 ? [RealDate.now() + aheadMs] : parts;
    super(...(own as [number]));
  }

  static override now(): number {
    return RealDate.now() + aheadMs;
  }
} as DateConstructor;
