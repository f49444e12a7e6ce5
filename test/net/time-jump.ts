/** Loaded first into a process: at SIGUSR2 the clock that counts what time passes is five minutes further on. */
const now = performance.now.bind(performance);
let aheadMs = 0;
performance.now = () => now() + aheadMs;
process.on("SIGUSR2", () => {
  aheadMs += 300_000;
});
