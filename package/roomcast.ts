/** What the two packages are made of. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { completionFiles } from "./completion.ts";
import { bootFiles, home, npmPackages, programFiles, type Source } from "./contents.ts";
import type { DebPackage, PackedFile } from "./deb.ts";
import { manPages } from "./man.ts";

const debian = join(import.meta.dirname, "debian");
const maintainer = "The roomcast authors <roomcast@packages.invalid>";
const text = (name: string): string => readFileSync(join(debian, name), "utf8");

/** The server, the command line, and the Node that they run with. */
export function roomcastPackage(source: Source): DebPackage {
  const { repository, version } = source;
  const name = "roomcast";
  return {
    ...{ name, version, architecture: "amd64" },
    files: [
      ...programFiles(repository, version),
      { path: "usr/bin/roomcast", content: { text: text("roomcast.sh") }, isProgram: true },
      { path: "lib/systemd/system/roomcast.service", content: { text: text("roomcast.service") } },
      ...manPages(source).map(gzipped("usr/share/man/man1")),
      ...completionFiles(),
      ...documents(name, source),
      { path: `usr/share/doc/${name}/fit.conf`, content: { text: text("fit.conf") } },
      ...globSync("docs/*.md", { cwd: repository }).map((path) => ({
        path: `usr/share/doc/${name}/${basename(path)}`,
        content: { from: join(repository, path) },
      })),
    ],
    fields: {
      Maintainer: maintainer,
      // What the program that is packed was linked with (`readelf -d`), and the least libc that its Node wants.
      Depends: `roomcast-boot (= ${version}), adduser, debconf (>= 0.5) | debconf-2.0, libc6 (>= 2.28), libgcc-s1, libstdc++6`,
      Recommends: "e2fsprogs, ntfs-3g, partclone, qemu-utils, zstd",
      Suggests: "nftables, systemd-timesyncd",
      ...common,
      Description: description("images whole computer labs over the network", programWords),
    },
    scripts: {
      ...Object.fromEntries(
        ["postinst", "prerm", "postrm", "templates"].map((each) => [each, text(each)]),
      ),
    },
  };
}

/** The system that PCs start from the network. */
export function bootPackage(source: Source): DebPackage {
  const name = "roomcast-boot";
  return {
    ...{ name, version: source.version, architecture: "all" },
    files: [...bootFiles(source.repository), ...documents(name, source)],
    fields: {
      Maintainer: maintainer,
      ...common,
      Description: description("what PCs start from the network for roomcast", bootWords),
    },
    scripts: {},
  };
}

const common = { Section: "admin", Priority: "optional" };

const programWords = `roomcast captures the disk of a PC, and restores it to every PC of a room at
once by multicast. Each chunk is checked before it is written, and read back
afterwards.
.
This package has the lab's server and its command line, with the Node that
they run with. "roomcast setup" sets the server up.`;

const bootWords = `The kernel, the small Linux with roomcast's agent and the boot loaders that
the lab's server gives to PCs that start from the network, by BIOS or UEFI.`;

const description = (synopsis: string, words: string): string =>
  [synopsis, ...words.split("\n")].join("\n ");

function documents(name: string, source: Source): PackedFile[] {
  const folder = `usr/share/doc/${name}`;
  const overrides = `overrides.${name}`;
  return [
    { path: `${folder}/copyright`, content: { text: copyright(name, source) } },
    gzipped(folder)({ name: "changelog", text: changelog(name, source) }),
    ...(existsSync(join(debian, overrides))
      ? [{ path: `usr/share/lintian/overrides/${name}`, content: { text: text(overrides) } }]
      : []),
  ];
}

/** Without a name and a time in its header, so that the same text gives the same bytes. */
const gzipped =
  (folder: string) =>
  (file: { readonly name: string; readonly text: string }): PackedFile => ({
    path: `${folder}/${file.name}.gz`,
    content: { text: gzipSync(file.text, { level: 9 }) },
  });

const changelog = (name: string, { version, epoch }: Source): string => {
  // RFC 5322, as deb-changelog(5) wants it.
  const date = new Date(epoch * 1000).toUTCString().replace("GMT", "+0000");
  return `${name} (${version}) stable; urgency=medium\n\n  * Version ${version} of roomcast.\n\n -- ${maintainer}  ${date}\n`;
};

function copyright(name: string, { repository }: Source): string {
  const own = readFileSync(join(repository, "LICENSE"), "utf8");
  const parts = name === "roomcast" ? programParts(repository) : bootParts(repository);
  return `roomcast is free software:\n\n${own}\n${parts}`;
}

const programParts = (
  repository: string,
): string => `It contains, with their own licences beside them in /${home}/node_modules:

${npmPackages(repository)
  .map((each) => `  ${each.name} ${each.version}: ${each.license}`)
  .join("\n")}

On Debian systems the texts of the common licences are in /usr/share/common-licenses, that of the Apache
licence in /usr/share/common-licenses/Apache-2.0.
`;

function bootParts(repository: string): string {
  const path = join(repository, "build/boot/versions.json");
  const { node, packages } = JSON.parse(readFileSync(path, "utf8")) as {
    readonly node: string;
    readonly packages: Readonly<Record<string, string>>;
  };
  const lines = Object.entries(packages).map(([name, version]) => `  ${name} ${version}`);
  return `${text("boot-parts").replace("VERSION", node)}\n${lines.join("\n")}\n`;
}
