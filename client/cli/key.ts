import type { Command } from "commander";
import { table } from "../../core/screen/table.ts";
import type { SshKeyView } from "../../core/wire/api.ts";
import { keyNameRule, requireName } from "../../core/wire/names.ts";
import type { RunCommand } from "./context.ts";
import { utf8Of } from "./room-list.ts";

export function addKeyCommands(program: Command, run: RunCommand): void {
  const key = program
    .command("key")
    .description("manages administrators' public SSH keys, which rooms put onto their PCs");

  key
    .command("add <NAME> <FILE>")
    .description("stores the public keys of a file: one that ends in .pub, or several such lines")
    .action((name: string, file: string) =>
      run(async ({ client, say, document }) => {
        requireName(keyNameRule, name);
        const text = await utf8Of(file);
        const added = await client.post<SshKeyView>("/ssh-keys", { name, text });
        document(added);
        for (const { type, fingerprint, comment } of added.keys)
          say(`${name}: ${type} ${fingerprint} ${comment}`.trimEnd());
        say(`A room uses it after \`roomcast room set R --ssh-key ${name}\`.`);
        return 0;
      }),
    );

  key
    .command("list")
    .description("lists the stored keys")
    .action(() =>
      run(async ({ client, say, document }) => {
        const keys = await client.get<SshKeyView[]>("/ssh-keys");
        document(keys);
        const rows = keys.flatMap(({ name, by, addedAt, keys: lines }) =>
          lines.map((line) => [name, line.type, line.fingerprint, line.comment, by, addedAt]),
        );
        say(table(["NAME", "TYPE", "FINGERPRINT", "COMMENT", "BY", "ADDED"], rows));
        return 0;
      }),
    );

  key
    .command("remove <NAME>")
    .description("removes a stored key; disks that have it keep it until they are restored again")
    .action((name: string) =>
      run(async ({ client, document }) => {
        await client.delete(`/ssh-keys/${encodeURIComponent(name)}`);
        document({ key: name, removed: true });
        return 0;
      }),
    );
}
