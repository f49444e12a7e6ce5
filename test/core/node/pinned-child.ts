/** A process that has an agent's way to its server, and says whether what a request needs is loaded: before it has time, and after. */
import { createRequire } from "node:module";
import { setImmediate as turn } from "node:timers/promises";
import { PinnedServer } from "../../../core/node/pinned.ts";

const { cache } = createRequire(import.meta.url);
const isLoaded = (): boolean =>
  Object.keys(cache).some((path) => /\/undici\/index\.js$/.test(path));

const hasTime = Promise.withResolvers<void>();
new PinnedServer(async () => ({ url: new URL("https://127.0.0.1:1"), pins: [] }), hasTime.promise);
for (let turns = 0; turns < 100; turns++) await turn();
process.send?.({ isLoaded: isLoaded() });
hasTime.resolve();
while (!isLoaded()) await turn();
process.send?.({ isLoaded: true });
process.disconnect?.();
