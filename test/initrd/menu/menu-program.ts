/** The menu as a program of its own, for a real terminal: writes what is asked for to the file named. */
import { spawnSync } from "node:child_process";
import { appendFileSync } from "node:fs";
import { openMenu } from "../../../initrd/menu/menu.ts";
import { receiving, view } from "./views.ts";

const [, , actionsFile = ""] = process.argv;

const menu = openMenu({
  onAction(action) {
    appendFileSync(actionsFile, `${JSON.stringify(action)}\n`);
    if (action.action === "shell") {
      menu.suspend();
      spawnSync("sh", ["-c", "echo this is the shell; read line; echo got $line; read line"], {
        stdio: "inherit",
      });
      menu.resume();
    }
    if (action.action === "restore") menu.show({ ...view, task: receiving });
    if (action.action === "stop") {
      const outcome = { result: "stopped", reason: "stopped at this PC", next: null } as const;
      menu.show({ ...view, task: { ...receiving, phase: "ended", outcome } });
    }
    if (action.action === "dismiss") menu.show(view);
    if (action.action === "poweroff") {
      menu.close();
      process.exit(0);
    }
  },
});
menu.show(view);
