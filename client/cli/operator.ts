import { writeFile } from "node:fs/promises";
import { Argument, type Command, Option } from "commander";
import { RoomcastError } from "../../core/errors.ts";
import { table } from "../../core/screen/table.ts";
import type { NewOperator, OperatorView } from "../../core/wire/api.ts";
import type { RunCommand } from "./context.ts";
import { askPassword, passwordIn } from "./password.ts";

const path = (name: string): string => `/operators/${encodeURIComponent(name)}`;
const roles = ["viewer", "operator", "admin"] as const;

export function addOperatorCommands(program: Command, run: RunCommand): void {
  const operator = program
    .command("operator")
    .description("manages who may use the server over the network, with a token or a password");

  operator
    .command("list")
    .description("lists the operators and their roles")
    .action(() =>
      run(async ({ client, say, document }) => {
        const operators = await client.get<OperatorView[]>("/operators");
        document(operators);
        say(
          table(
            ["OPERATOR", "ROLE", "PASSWORD", "FROM", "SINCE", "LAST SEEN"],
            operators.map((each) => [
              each.name,
              each.role,
              each.password ? "yes" : "no",
              each.issuer ?? "here",
              each.createdAt,
              each.lastSeen ?? "never",
            ]),
          ),
        );
        return 0;
      }),
    );

  operator
    .command("add")
    .description("adds an operator and prints the token, which cannot be shown again")
    .addArgument(new Argument("<NAME>", "lower-case letters, digits, - and _"))
    .addOption(
      new Option(
        "--role <ROLE>",
        "a viewer reads, an operator also starts work, an admin also adds operators",
      )
        .choices(roles)
        .makeOptionMandatory(),
    )
    .option(
      "--out <FILE>",
      "writes the token to FILE, readable by its owner only, instead of printing it",
    )
    .action((name: string, { role, out }: { role: string; out?: string }) =>
      run(async ({ client, say, document }) => {
        const added = await client.post<NewOperator>("/operators", { name, role });
        const { token, ...view } = added;
        if (out === undefined) {
          document(added);
          say(token);
          return 0;
        }
        await writeFile(out, `${token}\n`, { mode: 0o600, flag: "wx" }).catch((cause: Error) => {
          const next = `remove ${name} with \`roomcast operator remove ${name}\`, and add it with another file`;
          throw new RoomcastError("bad-input", cause.message, next, { cause });
        });
        document(view);
        say(`the token of ${name} is in ${out}`);
        return 0;
      }),
    );

  operator
    .command("set <NAME>")
    .description("gives an operator another role; it counts at once")
    .addOption(new Option("--role <ROLE>", "the new role").choices(roles).makeOptionMandatory())
    .action((name: string, { role }: { role: string }) =>
      run(async ({ client, say, document }) => {
        document(await client.patch<OperatorView>(path(name), { role }));
        say(`${name} is now: ${role}`);
        return 0;
      }),
    );

  operator
    .command("password <NAME>")
    .description("sets an operator's password for the page, and logs the operator's browsers out")
    .option("--password-file <FILE>", "reads the password from FILE instead of the terminal")
    .action((name: string, { passwordFile }: { passwordFile?: string }) =>
      run(async ({ client, say, document }) => {
        const password =
          passwordFile === undefined ? await askPassword(name) : await passwordIn(passwordFile);
        document(await client.patch<OperatorView>(path(name), { password }));
        say(`${name} can log in at the page with this password`);
        return 0;
      }),
    );

  operator
    .command("remove <NAME>")
    .description("removes an operator; token and password stop working")
    .action((name: string) =>
      run(async ({ client, say, document }) => {
        await client.delete(path(name));
        document({ operator: name, removed: true });
        say(`${name} is no longer an operator`);
        return 0;
      }),
    );
}
