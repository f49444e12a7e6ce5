/**
 * Installs the Debian packages that the demo, the tests and the benches need, where they are missing; says
 * which first. A server needs none of them.
 */
import { spawnSync } from "node:child_process";

const packages = {
  // Named on the command line: what only the bench needs.
  "this run": process.argv.slice(2),
  "the virtual room": [
    "qemu-system-x86",
    "qemu-utils",
    "ovmf",
    "ipxe-qemu",
    "iproute2",
    "iptables",
    "swtpm",
  ],
  "the site's boot image": ["systemd-boot-efi", "binutils", "sbsigntool", "openssl"],
  "the campus's storage": ["swift-proxy", "swift-account", "swift-container", "swift-object"],
  "the master disk": [
    "grub-common",
    "grub-pc-bin",
    "grub-efi-amd64-bin",
    "mmdebstrap",
    "fakeroot",
    "e2fsprogs",
    "dosfstools",
    "mtools",
    "gdisk",
  ],
  "file systems and volumes of every kind": [
    "xfsprogs",
    "btrfs-progs",
    "exfatprogs",
    "f2fs-tools",
    "lvm2",
    "makefs",
    "cryptsetup-bin",
    "attr",
  ],
  "capture on disk files": ["partclone", "ntfs-3g", "util-linux", "fdisk", "xz-utils", "zstd"],
  "Windows' registry": ["libhivex-bin"],
  "import and export": ["qemu-system-common", "fuse3", "gzip", "lz4", "lzop", "bzip2"],
  "the campus's database": ["postgresql-15"],
  "the packages for Debian": ["dpkg-dev", "lintian", "man-db", "groff", "zsh"],
  "independent peers of the tests": [
    "atftp",
    "dhcpcd-base",
    "dnsmasq-base",
    "isc-dhcp-client",
    "ethtool",
    "nftables",
    "tcpdump",
    "busybox-static",
    "chromium",
    "chntpw",
    "libxml2-utils",
    "tftp-hpa",
    "curl",
    "cpio",
    "efibootmgr",
    "tmux",
    "tpm2-tools",
  ],
};

const wanted = Object.values(packages).flat();
const query = spawnSync("dpkg-query", ["-W", "-f", "${Package} ${db:Status-Abbrev}\n", ...wanted], {
  encoding: "utf8",
});
const installed = new Set(
  query.stdout
    .split("\n")
    .filter((line) => line.includes(" ii"))
    .map((line) => line.split(" ")[0]),
);
const missing = wanted.filter((name) => !installed.has(name));

if (missing.length > 0) {
  if (process.getuid?.() !== 0) {
    console.error(`roomcast: these packages are missing: apt-get install ${missing.join(" ")}`);
    process.exit(2);
  }
  for (const [purpose, names] of Object.entries(packages)) {
    const lacking = names.filter((name) => missing.includes(name));
    if (lacking.length > 0) console.log(`installing for ${purpose}: ${lacking.join(", ")}`);
  }
  const apt = (...words: string[]): void => {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const { status } = spawnSync("apt-get", ["-q", ...words], { stdio: "inherit", env });
    if (status === 0) return;
    console.error("roomcast: apt-get did not succeed; see its lines above");
    process.exit(1);
  };
  apt("update");
  apt("install", "-y", "--no-install-recommends", ...missing);
}
