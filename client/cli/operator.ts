import { writeFile } from "node:fs/promises";
import { Argument, type Command, Option } from "commander";
import { RoomcastError } from "../../core/errors.ts";
import { table } from "../../core/screen/table.ts";
import type { NewOperator, OperatorView } from "../../core/wire/api.ts";
import type { RunCommand } from "./program.ts";

const roles = ["viewer", "operator", "admin"] as const;

export function addOperatorCommands(program: Command, run: RunCommand): void {
  const operator = program
    .command("operator")
    .description("manages who may use the server over the network, with a token");

  operator
    .command("list")
    .description("lists the operators and their roles")
    .action(() =>
      run(async ({ client, say, document }) => {
        const operators = await client.get<OperatorView[]>("/operators");
        document(operators);
        say(
          table(
            ["OPERATOR", "ROLE", "SINCE", "LAST SEEN"],
            operators.map((each) => [
              each.name,
              each.role,
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
    .command("remove <NAME>")
    .description("removes an operator; the token stops working")
    .action((name: string) =>
      run(async ({ client, say }) => {
        await client.delete(`/operators/${encodeURIComponent(name)}`);
        say(`${name} is no longer an operator`);
        return 0;
      }),
    );
}
