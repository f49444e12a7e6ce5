/** Restores a backup, and is killed at the step that it is told: DATA BACKUP STEP. */
import { planRestore, restoreBackup } from "../../../server/backup/restore.ts";
import { dieAtStep } from "../store/die-at-step.ts";

const [dataFolder = "", backup = "", step = ""] = process.argv.slice(2);
const places = { dataFolder, backup, configFile: `${dataFolder}.toml` };
const { list } = await planRestore(places, () => {});
await dieAtStep(Number(step));
await restoreBackup(places, list);
process.stdout.write("done\n");
