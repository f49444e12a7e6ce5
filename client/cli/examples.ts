import type { Command } from "commander";

/** Command lines that show how each command is used. */
const examples: Readonly<Record<string, readonly string[]>> = {
  serve: [
    "serve --interface eth1",
    "serve --interface eth1 --dhcp server --range 10.0.0.50-10.0.0.99",
  ],
  setup: ["setup", "setup --interface eth1 --dhcp server --yes"],
  backup: ["backup /srv/backup/monday", "backup --images /mnt/usb/roomcast"],
  "restore-backup": [
    "restore-backup --dry-run /srv/backup/monday",
    "restore-backup /srv/backup/monday",
  ],
  migrate: [
    "migrate --to postgres://roomcast@db.example.org/roomcast --password-file /etc/roomcast/database.secret --s3 library.toml --dry-run",
    "migrate --to postgres://roomcast@db.example.org/roomcast --s3 library.toml --seal /etc/roomcast/campus.key --write",
    "migrate --to postgres://roomcast@db/roomcast --s3 endpoint=https://s3.example.org region=us-east-1 bucket=roomcast accessKeyFile=/etc/roomcast/s3.access secretKeyFile=/etc/roomcast/s3.secret --verify full",
    "migrate --out --dry-run",
    "migrate --out",
  ],
  agent: ["agent --server http://10.77.0.1:8080 --disk disk.img --headless --once"],
  doctor: ["doctor", "doctor --interface eth1"],
  history: ["history --room lab1 --limit 50", "history --pc lab1-A3"],
  capture: ["capture master win11 --wait", "capture master win11 --disk serial:S3Z9NB0K"],
  restore: [
    "restore win11 --room lab1 --wait",
    "restore win11@3 --pc lab1-A3 lab1-A4 --delta --then reboot",
    "restore win11 --room lab1 --start all --start-timeout 120",
    "restore win11 --room lab1 --canary 1 --then reboot",
    "restore win11 --room lab1 --dry-run",
    "restore win11 --room lab1 --fit never",
  ],
  cast: ["cast master --room lab1 --wait", "cast master --room lab1 --save-as win11"],
  report: [
    "report s12 --format html > s12.html",
    "report s12 --format certificate --pages s12.html > s12.json",
  ],
  "report check": ["report check s12.json", "report check s12.json --key sha256:…"],
  "pc list": ["pc list --room lab1", "--server-name library pc list"],
  "pc set": [
    "pc set 52:54:00:12:34:56 --name lab1-A3 --room lab1 --seat A3",
    "pc set lab1-A3 --address 10.77.0.31/24 --field asset=4711",
  ],
  "pc identify": ["pc identify pc7 --as lab1-A3", "pc identify pc7 --new"],
  "pc wipe": [
    "pc wipe lab1-A3 lab1-A4",
    "pc wipe lab1-A3 --method zero --disk /dev/sdb --certificate a3.json",
  ],
  "room set": [
    "room set lab1 --naming lab1-{seat} --idle-boot local-disk --disk-seconds 5",
    "room set lab1 --disk 'transport=nvme size=200GB-1TB'",
    "room set lab1 --domain lab.example.org --ssh-key ann bert",
    "room set lab1 --address static --gateway 10.77.0.254 --dns 10.77.0.2 10.77.0.3 --prefix 24",
    "room set lab1 --pin 2468 --instructor-pin 97531",
  ],
  "room walk": ["room walk lab1", "room walk lab1 --end"],
  "room move": ["room move lab1 --server campus-2"],
  "room wall-link": ["room wall-link lab1", "room wall-link lab1 --end"],
  "room import": ["room import lab1 lab1.csv"],
  "room export": ["room export lab1 lab1.csv"],
  "room wake": ["room wake lab1 --wait 300"],
  "seat add": ["seat add lab1 A3 --at 2,0"],
  "seat grid": ["seat grid lab1 6x5"],
  "image import": [
    "image import disk.qcow2 win11",
    "image import /images/lab-pc win11 --without 3",
    "image import /backup/clonezilla/win11 win11 --disk sda",
  ],
  "image export": ["image export win11 win11.qcow2", "image export win11@3 /dev/sdb"],
  "image optimise": ["image optimise win11 --wait", "image optimise win11@3 --threads 2"],
  "image fetch": ["image fetch win11 --wait", "image fetch win11@3 --stop"],
  "image note": [
    "image note win11",
    'image note win11@3 "Maths labs, Office 2024; do not use before 1 Sept"',
    "image note win11@3 ''",
  ],
  "image fit": ["image fit win11 --disk-size 240GB", "image fit win11@3 --disk-size 240057409536"],
  "image step add": ["image step add win11 first-login.sh"],
  "key add": ["key add ann ~/.ssh/id_ed25519.pub"],
  "schedule add": ['schedule add "30 6 * * 1-5" --room lab1 --image win11 --delta'],
  "session retry": ["session retry s12 --wait"],
  status: ["status", "--json status"],
  console: ["console", "--server https://10.77.0.1:8443 --token-file jane.token console"],
  "pc show": ["pc show lab1-A3", "pc show 52:54:00:12:34:56"],
  "pc admit": ["pc admit lab1-A3 lab1-A4"],
  "pc revoke": ["pc revoke lab1-A3"],
  "pc forget": ["pc forget --dry-run lab1-A3", "pc forget lab1-A3"],
  "pc shell": ["pc shell lab1-A3"],
  "pc wake": ["pc wake lab1-A3 lab1-A4"],
  "pc reboot": ["pc reboot lab1-A3"],
  "pc poweroff": ["pc poweroff lab1-A3"],
  "pc boot-disk": ["pc boot-disk lab1-A3"],
  "room list": ["room list"],
  "room show": ["room show lab1"],
  "room create": ["room create lab1"],
  "room delete": ["room delete --dry-run lab1", "room delete lab1"],
  "room unlock": ["room unlock lab1"],
  "seat list": ["seat list lab1"],
  "seat remove": ["seat remove lab1 A3"],
  "image list": ["image list", "--json image list"],
  "image show": ["image show win11", "image show win11@3"],
  "image verify": ["image verify win11", "image verify", "image verify --repair"],
  "image delete": ["image delete --dry-run win11@2", "image delete win11@2"],
  "image step list": ["image step list win11"],
  "image step remove": ["image step remove win11 first-login.sh"],
  "key list": ["key list"],
  "key remove": ["key remove ann"],
  "schedule list": ["schedule list"],
  "schedule remove": ["schedule remove t3"],
  "session list": ["session list", "--server-name library session list"],
  "session show": ["session show s12"],
  "session watch": ["session watch s12", "--server-name library session watch s12"],
  "session start": ["session start s12"],
  "session stop": ["session stop s12", "--server-name library session stop s12"],
  "session drop": ["session drop s12 lab1-A3"],
  "session admit": ["session admit s12 lab1-A3"],
  "request list": ["request list"],
  "request yes": ["request yes 4"],
  "request no": ["request no 4"],
  "operator list": ["operator list"],
  "operator remove": ["operator remove jane"],
  "trust show": ["trust show"],
  "trust rotate": ["trust rotate", "trust rotate --finish"],
  "operator add": ["operator add jane --role operator --out jane.token"],
  "operator set": ["operator set jane --role admin"],
  "operator password": [
    "operator password jane",
    "operator password jane --password-file jane.txt",
  ],
};

/** The examples of a command that is called by these words, as `pc set`; none for one that only holds others. */
export const exampleLines = (path: string): readonly string[] => examples[path] ?? [];

/** Puts the examples at the end of the help of each command. */
export function addExamples(program: Command): void {
  for (const [name, lines] of Object.entries(examples)) {
    const text = lines.map((line) => `  $ roomcast ${line}`).join("\n");
    commandNamed(program, name.split(" "))?.addHelpText("after", `\nExamples:\n${text}`);
  }
}

function commandNamed(from: Command, [name, ...rest]: readonly string[]): Command | undefined {
  const found = from.commands.find((each) => each.name() === name);
  return found === undefined || rest.length === 0 ? found : commandNamed(found, rest);
}
