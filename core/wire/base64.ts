import { Type } from "typebox";

/** The pattern of the base64 (RFC 4648 section 4) of exactly so many bytes, without its ends. */
export function base64Pattern(bytes: number): string {
  const left = bytes % 3;
  const whole = 4 * Math.floor(bytes / 3) + (left === 0 ? 0 : left + 1);
  const padding = left === 0 ? "" : "=".repeat(3 - left);
  return `[A-Za-z0-9+/]{${whole}}${padding}`;
}

export const base64Of = (bytes: number) => Type.String({ pattern: `^${base64Pattern(bytes)}$` });
