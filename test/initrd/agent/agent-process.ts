/** An agent in a process of its own, to be killed: SERVER PIN DISK. */
import { runAgent } from "../../../initrd/agent/run.ts";
import { httpReceiver } from "./http-receiver.ts";

const [url = "", pin = "", disk = ""] = process.argv.slice(2);
process.exitCode = await runAgent({
  server: url,
  pins: [pin],
  keyFile: null,
  disks: [disk],
  interface: null,
  mac: "52:54:00:00:00:77",
  name: "pc77",
  headless: true,
  once: true,
  startReceiver: httpReceiver({ url, pin }),
});
process.exit();
