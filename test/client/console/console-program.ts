/** The console as a program of its own, for a real terminal, with a lab of 200 PCs that is made up. */
import { runConsole } from "../../../client/console/main.ts";
import { FakeLab, imageOf, memberOf, pcOf, sessionOf } from "./fake-lab.ts";

const lab = new FakeLab();
const numbers = Array.from({ length: 200 }, (_, index) => index + 1);
const roomOf = (number: number): string => (number <= 28 ? "lab-1" : "lab-2");

let round = 0;
const session = () =>
  sessionOf(
    numbers.slice(0, 28).map((number) =>
      number === 14
        ? memberOf(number, { result: "failed", state: "failed", reason: "write error at 12.4 GB" })
        : memberOf(number, {
            bytesWritten: Math.min(28e9, 5e9 + round * 1e8 + number * 1e7),
            ...(number === 9 ? { writeBps: 2e7, slowReason: "disk writes 20.0 MB/s" } : {}),
          }),
    ),
  );
lab.connect({
  pcs: numbers.map((number) =>
    pcOf(number, {
      room: roomOf(number),
      ...(number <= 28 ? { state: "receiving" as const, session: "s1a2b" } : {}),
    }),
  ),
  images: [imageOf(3), imageOf(4)],
  sessions: [session()],
});
const feed = setInterval(() => {
  round++;
  lab.push({ type: "session", session: session() });
}, 250);
process.exitCode = await runConsole(lab);
clearInterval(feed);
process.stdout.write(`left with ${process.exitCode}, ${JSON.stringify(lab.calls)}\n`);
setTimeout(() => {}, 30_000);
