/** Quantities in words: decimal units, as disks and links are sold. */

const units = ["B", "kB", "MB", "GB", "TB", "PB"];

/** 12_400_000_000 → `12.4 GB`. */
export function sizeText(byteCount: number): string {
  let value = Math.max(0, byteCount);
  let unit = 0;
  // 999.95 would be shown as 1000.0 of the smaller unit.
  while (value >= (unit === 0 ? 1000 : 999.95) && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** Bytes a second: `98.2 MB/s`. */
export const byteRateText = (bytesPerSecond: number): string => `${sizeText(bytesPerSecond)}/s`;

/** Bytes a second on a wire, as links are rated: 118_000_000 → `944 Mbit/s`. */
export function linkRateText(bytesPerSecond: number): string {
  const mbit = (bytesPerSecond * 8) / 1e6;
  if (mbit >= 999.5) return `${(mbit / 1000).toFixed(1)} Gbit/s`;
  return `${mbit >= 10 ? Math.round(mbit) : mbit.toFixed(1)} Mbit/s`;
}

/** `43 s`, `5 min 20 s`, `12 min`, `1 h 05 min`: as exact as anybody needs it. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** 0.437 → `43 %`. Never rounded up: 100 % is said of what is complete. */
export const percentText = (fraction: number): string =>
  `${Math.floor(Math.min(1, Math.max(0, fraction)) * 100 + 1e-9)} %`;

/** A loss ratio: `0 %`, `0.02 %`, `1.3 %`, `12 %`. */
export function lossText(ratio: number): string {
  const percent = ratio * 100;
  if (percent === 0) return "0 %";
  return `${percent >= 10 ? Math.round(percent) : percent >= 1 ? percent.toFixed(1) : percent.toFixed(2)} %`;
}

/** ISO 8601 UTC → `2026-11-21 14:03`. */
export const dateText = (iso: string): string => iso.slice(0, 16).replace("T", " ");

/** Seconds between two ISO 8601 times. */
export const secondsBetween = (from: string, to: string): number =>
  (Date.parse(to) - Date.parse(from)) / 1000;

/** `[#####-----]`, `width` cells in all; a bar that is full is complete. */
export function barText(fraction: number, width: number): string {
  const room = Math.max(0, width - 2);
  const filled = Math.floor(Math.min(1, Math.max(0, fraction)) * room + 1e-9);
  return `[${"#".repeat(filled)}${"-".repeat(room - filled)}]`;
}
