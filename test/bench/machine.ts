import { cpus, loadavg, release } from "node:os";

/** What figures were taken on, and how busy that was. */
export function machineText(): string {
  const [first] = cpus();
  const load = loadavg()[0]?.toFixed(1);
  return `${cpus().length} cores (${first?.model.trim()}), Linux ${release()}, load before ${load}`;
}

/** When they were taken, to the minute. */
export const takenAt = (): string => `${new Date().toISOString().slice(0, 16)}Z`;
