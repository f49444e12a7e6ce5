/** 50 PCs at once with the real boot image: `node test/storm/main.ts [PCS] [BOOT-FOLDER]`. */
import { join } from "node:path";
import { storm } from "./storm.ts";

const pcs = Number(process.argv[2] ?? 50);
const bootFolder = process.argv[3] ?? join(import.meta.dirname, "..", "..", "build", "boot");

for (const by of ["http", "tftp"] as const) {
  const result = await storm({ pcs, by, bootFolder, limitSeconds: 900 });
  const { arrived, addresses, seconds, idleBytes, serverBytes, statusMs } = result;
  const memory = `${Math.round(serverBytes / 1e6)} MB (before: ${Math.round(idleBytes / 1e6)} MB)`;
  const status = `${statusMs.calls} status calls, median ${statusMs.median.toFixed(0)} ms, most ${statusMs.most.toFixed(0)} ms`;
  console.log(
    `${by}: ${arrived} of ${pcs} have kernel and initrd after ${seconds.toFixed(1)} s, ${addresses} addresses; server at most ${memory}; ${status}`,
  );
  for (const failure of result.failures) console.log(`  failed: ${failure}`);
  if (arrived < pcs || addresses < pcs || serverBytes > 300e6) process.exitCode = 1;
}
