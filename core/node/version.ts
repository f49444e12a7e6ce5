import { readFileSync } from "node:fs";

/** Of this roomcast, as in package.json. */
export const version: string = String(
  (
    JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
      version: string;
    }
  ).version,
);
