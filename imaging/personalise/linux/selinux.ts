import { runInRoot } from "../own-steps.ts";
import type { LinuxStep, Outcome } from "./step.ts";

/** Labels of new files, by the system's own policy; else it is asked to label all when it starts. */
export async function label(
  { root, signal }: LinuxStep,
  changed: readonly string[],
): Promise<Outcome | null> {
  const config = (await root.read("/etc/selinux/config")) ?? "";
  const mode = /^SELINUX=(\w+)/m.exec(config)?.[1];
  const type = /^SELINUXTYPE=([\w-]+)/m.exec(config)?.[1];
  if (type === undefined || (mode !== "enforcing" && mode !== "permissive")) return null;
  const files: string[] = [];
  for (const path of changed) if ((await root.kind(path)) !== null) files.push(path);
  if (files.length === 0) return null;
  const contexts = `/etc/selinux/${type}/contexts/files/file_contexts`;
  const script = ["exec setfiles -F", contexts, ...files].map((word, at) =>
    at === 0 ? word : `'${word.replaceAll("'", "'\\''")}'`,
  );
  const run = { isInside: true, facts: {}, signal };
  const { status, output } = await runInRoot(root, script.join(" "), run);
  if (status === 0) return { detail: `${files.length} files, by the policy ${type}` };
  await root.write("/.autorelabel", "");
  return { detail: `the system labels its files when it starts: ${output.trim().slice(-500)}` };
}
