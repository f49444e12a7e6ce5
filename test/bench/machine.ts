import { readFileSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";

/** `USER_HZ`: what /proc counts processor time in, on every Linux (proc(5)). */
export const ticksPerSecond = 100;

/** What figures were taken on, and how busy that was. */
export function machineText(): string {
  const [first] = cpus();
  const load = loadavg()[0]?.toFixed(1);
  return `${cpus().length} cores (${first?.model.trim()}), Linux ${release()}, load before ${load}`;
}

/** When they were taken, to the minute. */
export const takenAt = (): string => `${new Date().toISOString().slice(0, 16)}Z`;

/** In cores: who takes more beside what is measured changes the figures. */
const mostOfOthers = 0.2;

export const isBusyWith = (otherCores: number): boolean => otherCores > mostOfOthers;

/** Stands below figures that were. */
export const busyText = "MEASURED ON A BUSY MACHINE: others had some of its processors.";

/** At least this much of the machine's processors was taken by others in between, in cores. */
export class BusyMeter {
  private readonly before = machineTicks();

  /** `own`: cores that are accounted for. */
  others(seconds: number, own: number): number {
    return Math.max(0, (machineTicks() - this.before) / ticksPerSecond / seconds - own);
  }
}

/** All but idle and waiting for disks, proc(5). */
function machineTicks(): number {
  const [line = ""] = readFileSync("/proc/stat", "latin1").split("\n");
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return user + nice + system + irq + softirq;
}
