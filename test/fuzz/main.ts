/** `node test/fuzz/main.ts [INPUTS] [SEED]`: that many inputs for DHCP and for TFTP each. */
import { fuzzDhcp, fuzzTftp } from "./boot-inputs.ts";

const count = Number(process.argv[2] ?? 1_000_000);
const seed = Number(process.argv[3] ?? 1);
for (const [name, fuzz] of [
  ["DHCP", fuzzDhcp],
  ["TFTP", fuzzTftp],
] as const) {
  const startedAt = performance.now();
  const { inputs, read, answers } = fuzz(count, seed);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(
    `${name}: ${inputs} inputs (seed ${seed}) in ${seconds} s: ${read} read, ${answers} answers`,
  );
}
