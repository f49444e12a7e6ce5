import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseStanzas } from "../../../initrd/build/packages.ts";

const shown = `Package: ntfs-3g
Version: 1:2022.10.3-1+deb12u4
Architecture: amd64
Pre-Depends: libpre (>= 1)
Depends: libc6 (>= 2.34), libfuse3-3:any | libfuse2, libntfs-3g89 (= 1:2022.10.3), fuse3
Description: read/write NTFS driver
 Depends: not a field, but a line of the description
Filename: pool/n.deb
Size: 406396
SHA256: ${"ab".repeat(32)}

Package: nothing-more
`;

test("what apt-cache show says of a package; a stanza without a file is passed over", () => {
  assert.deepEqual(parseStanzas(shown), [
    {
      name: "ntfs-3g",
      version: "1:2022.10.3-1+deb12u4",
      architecture: "amd64",
      sha256: "ab".repeat(32),
      size: 406396,
      depends: ["libpre", "libc6", "libfuse3-3", "libntfs-3g89", "fuse3"],
    },
  ]);
});

test("fuzz: any text is read without a throw", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...shown.split(/(?<=[\n ,:])/), "\n\n")), (parts) => {
      assert(Array.isArray(parseStanzas(parts.join(""))));
    }),
  );
});
