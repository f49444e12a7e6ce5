/** Moves a data folder into a campus until it is killed, or done: `migrate-child.ts OPTIONS`, as JSON. */
import { migrateIn } from "../../../server/migrate/migrate.ts";

const { dataFolder, settings } = JSON.parse(process.argv[2] ?? "{}");
const report = await migrateIn({
  ...{ dataFolder, settings, isDry: false, isFull: true },
  signal: new AbortController().signal,
  progress: (done) => console.log(JSON.stringify({ done })),
  note() {},
  begin() {},
  planned: (plan) => console.log(JSON.stringify({ planned: plan.bytes })),
});
console.log(JSON.stringify({ checked: report.checked }));
