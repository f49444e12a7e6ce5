import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { testKey } from "../../tls.ts";

/** The tags of DER that hold other elements, as far as certificates have them. */
const isConstructed = (tag: number): boolean => (tag & 0x20) !== 0;

/** Throws where a length takes more bytes than it needs (ITU-T X.690, 10.1). */
function assertShortest(bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at] ?? 0;
    const first = bytes[at + 1] ?? 0;
    const more = first < 0x80 ? 0 : first & 0x7f;
    const length = more === 0 ? first : bytes.readUIntBE(at + 2, more);
    if (more > 0) assert(length >= (more === 1 ? 0x80 : 2 ** (8 * (more - 1))), `at ${at}`);
    const start = at + 2 + more;
    if (isConstructed(tag)) assertShortest(bytes.subarray(start, start + length));
    at = start + length;
  }
}

test("each length in the gate's certificate is as short as DER asks: Chromium refuses it otherwise", async () => {
  const { cert } = await testKey();
  assertShortest(new X509Certificate(cert).raw);
});
