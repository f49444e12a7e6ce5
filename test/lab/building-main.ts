/** `make building`: an hour of a building with 2000 PCs, and what it took. The exit status is as of `make lab`. */
import { building, drawBuilding } from "./building.ts";
import { statusOfFailure } from "./failures.ts";
import { Lab } from "./lab.ts";
import { linesOf, newTally } from "./tally.ts";

/** What the run may take at most, in MiB; half of it is usual. */
const memoryLimit = 1000;

const { SEED, SEEDS } = process.env;
const first = SEED ? Number(SEED) : 1;
const count = SEED ? 1 : Number(SEEDS || 1);
const { pcs, rooms, minutes } = building;
console.log(`${pcs} PCs in ${rooms} rooms, ${minutes} minutes`);
for (let seed = first; seed < first + count; seed++) {
  const tally = newTally();
  const lab = new Lab(drawBuilding(seed, building), null, tally);
  const begun = performance.now();
  const before = process.cpuUsage();
  let end = "all is as it was promised";
  try {
    await lab.run();
  } catch (error) {
    process.exitCode ??= statusOfFailure(error);
    end = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  const { user, system } = process.cpuUsage(before);
  const memory = Math.round(process.resourceUsage().maxRSS / 1024);
  if (memory > memoryLimit) {
    process.exitCode ??= 1;
    end = `more than ${memoryLimit} MiB; ${end}`;
  }
  console.log(
    `seed ${seed}: ${(lab.now / 60_000).toFixed(1)} minutes in ` +
      `${((performance.now() - begun) / 1000).toFixed(1)} s, ` +
      `${((user + system) / 1e6).toFixed(1)} s of a processor, ` +
      `at most ${memory} MiB: ${end}`,
  );
  for (const line of linesOf(tally)) console.log(line);
}
