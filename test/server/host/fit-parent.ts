/** A server's process as far as it starts `image fit`; `fit-program.test.ts` kills it. */
import { startFitProgram } from "../../../server/host/fit-program.ts";

const [dataFolder = "", imageId = "", size = ""] = process.argv.slice(2);
startFitProgram({
  ...{ dataFolder, imageId, size, reachable: Promise.resolve() },
  progress: (part) => console.log(part),
  log() {},
  ended: (failure) => console.log(`ended: ${failure}`),
});
