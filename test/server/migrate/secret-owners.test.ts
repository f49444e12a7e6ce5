/** Secrets that the server could not read are refused before anything is moved. */
import assert from "node:assert/strict";
import { chown, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { requireOwnSecrets } from "../../../server/migrate/secret-owners.ts";

test("each secret belongs to the user that the data folder belongs to", async () => {
  const folder = await mkdtemp(join(tmpdir(), "roomcast-secrets-"));
  try {
    const dataFolder = join(folder, "data");
    await mkdir(dataFolder);
    await chown(dataFolder, 12345, 12345);
    const [passwordFile, accessKeyFile, secretKeyFile, seal] = ["a", "b", "c", "d"].map((name) =>
      join(folder, name),
    ) as [string, string, string, string];
    const settings = {
      server: "one",
      database: { url: "postgres://roomcast@db.example.org/roomcast", passwordFile },
      storage: {
        ...{ endpoint: "https://s3.example.org", region: "us-east-1", bucket: "roomcast" },
        ...{ accessKeyFile, secretKeyFile, forcePathStyle: true },
      },
      seal,
    };
    for (const path of [passwordFile, accessKeyFile, secretKeyFile, seal]) {
      await writeFile(path, "secret", { mode: 0o600 });
      await assert.rejects(requireOwnSecrets(settings, dataFolder), {
        code: "refused",
        next: `run: chown --reference=${dataFolder} ${path}`,
      });
      await chown(path, 12345, 12345);
    }
    await requireOwnSecrets(settings, dataFolder);
  } finally {
    await rm(folder, { recursive: true });
  }
});
