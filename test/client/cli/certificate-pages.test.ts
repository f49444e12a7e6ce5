import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { certificatePages } from "../../../client/cli/certificate-pages.ts";
import { certifiedPc, sampleCertificate } from "../../core/trust/sample-certificate.ts";
import { anyText } from "../../core/units/harmful.ts";

const signed = { signer: "sha256:abc=", signature: "s".repeat(88) };

test("each PC has a page, with its disk, its image and the key on it", () => {
  const boot = { state: "up", seconds: 34, name: "lab1-a1", system: "Debian", evidence: null };
  const pcs = [
    certifiedPc(1, { boot: { ...boot, state: "up" } }),
    ...sampleCertificate.pcs.slice(1),
  ];
  const html = certificatePages({ document: { ...sampleCertificate, pcs }, ...signed });
  const pages = html.split("<section>").slice(1);
  assert.equal(pages.length, 2);
  for (const page of pages) {
    assert.match(page, /Signed by the key sha256:abc=; the signature begins with s{24}\./);
    assert.match(page, /<dt>Image<\/dt><dd>win11@4<\/dd>/);
  }
  const [first = "", second = ""] = pages;
  assert.match(first, /VERIFIED<\/p>[\s\S]*Serial number<\/dt><dd>S3Z91<\/dd>/);
  assert.match(first, /<li>\/etc\/hostname<\/li>/);
  assert.match(first, /Came up<\/dt><dd>seen after 34 s, lab1-a1, Debian<\/dd>/);
  assert.match(second, /FAILED: write error at 12\.4 GB/);
  assert.match(html, /break-after: page/);
  assert.doesNotMatch(html, /(src|href)=|url\(/, "nothing outside is referred to");
});

test("whatever a PC says of itself is text on the page", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const steps = [{ name: text, result: "failed" as const, detail: text, files: [text] }];
      const disk = { model: text, serial: text, wwn: text, size: 1 };
      const pc = certifiedPc(1, { name: text, reason: text, room: text, disk, steps });
      const words = { ...sampleCertificate, orderedBy: text, pcs: [pc] };
      const html = certificatePages({ document: words, ...signed });
      const plain = certificatePages({
        document: { ...words, orderedBy: "x", pcs: [certifiedPc(1, { name: "x" })] },
        ...signed,
      });
      const tags = (page: string): Set<string> => new Set(page.match(/<[^>]*>/g));
      const known = tags(plain);
      for (const tag of tags(html)) assert(known.has(tag), tag);
    }),
  );
});
