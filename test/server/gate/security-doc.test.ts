/** `docs/security.md` shows the gate's table as it is. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type GateRow, gateRows, portRows } from "../../../server/gate/table.ts";

const page = readFileSync(
  join(import.meta.dirname, "..", "..", "..", "docs", "security.md"),
  "utf8",
);

const cells = (...each: readonly string[]): string => `| ${each.join(" | ")} |`;

function bytesText({ bodyBytes, method }: GateRow): string {
  if (bodyBytes === 0) return "none";
  if (typeof bodyBytes !== "number") {
    const perChunk = bodyBytes({ chunkCount: 1 });
    return `${perChunk} bytes a chunk of the disk`;
  }
  const size = bodyBytes < 2 ** 20 ? `${bodyBytes / 2 ** 10} KiB` : `${bodyBytes / 2 ** 20} MiB`;
  return method === "WS" ? `${size} before the proof` : size;
}

const wanted = [
  cells(
    "request",
    "port",
    "credential",
    "what has to exist",
    "longest body",
    "at once, an address",
    "what it is for",
  ),
  cells("---", "---", "---", "---", "---", "---", "---"),
  ...gateRows.map((row) =>
    cells(
      `\`${row.method} ${row.path}\``,
      row.port,
      row.role === null ? row.credential : `${row.credential}: ${row.role}`,
      row.boundTo,
      bytesText(row),
      String(row.inFlight),
      row.description,
    ),
  ),
].join("\n");

const wantedPorts = [
  cells("UDP port", "protocol", "credential", "limits", "what it is for"),
  cells("---", "---", "---", "---", "---"),
  ...portRows.map(({ port, protocol, credential, limits, description }) =>
    cells(String(port), protocol, credential, limits, description),
  ),
].join("\n");

/** The tables of the page, without the spaces that line them up. */
const tables = page
  .split("\n")
  .filter((line) => line.startsWith("|"))
  .map((line) => line.replace(/ +/g, " ").replace(/-{3,}/g, "---"))
  .join("\n");

test("the page has every row of the gate's table and every port", () => {
  assert(tables.includes(wanted), `put this table into docs/security.md:\n${wanted}`);
  assert(tables.includes(wantedPorts), `put this table into docs/security.md:\n${wantedPorts}`);
});

test("the page says what is not promised", () => {
  assert.match(page, /^Not promised: /m);
});
