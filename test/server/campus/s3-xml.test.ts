import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readListPage, readXml, textIn } from "../../../server/campus/s3-xml.ts";

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const head = '<?xml version="1.0" encoding="UTF-8"?>\n';
const pageOf = (contents: string, end = "<IsTruncated>false</IsTruncated>"): Uint8Array =>
  bytesOf(
    `${head}<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${end}${contents}</ListBucketResult>`,
  );
const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (each) => `&#${each.codePointAt(0)};`);

test("a page of a listing gives names, sizes, and how it goes on", () => {
  const contents = `<Contents><Key>packs/a&amp;b&#x41;</Key><ETag>&quot;1&quot;</ETag><Size>12</Size>
    <Owner><ID/><DisplayName>it</DisplayName></Owner></Contents>`;
  const objects = [{ name: "packs/a&bA", bytes: 12 }];
  assert.deepEqual(readListPage(pageOf(contents)), { ok: true, value: { objects, next: null } });
  const more = "<IsTruncated>true</IsTruncated><NextContinuationToken>x=</NextContinuationToken>";
  assert.deepEqual(readListPage(pageOf("", more)), {
    ok: true,
    value: { objects: [], next: "x=" },
  });
});

test("a page that says not all of it is none", () => {
  const key = "<Key>a</Key>";
  const pages = [
    pageOf(`<Contents>${key}</Contents>`),
    pageOf("<Contents><Size>1</Size></Contents>"),
    pageOf(`<Contents>${key}<Size>-1</Size></Contents>`),
    pageOf(`<Contents>${key}<Size>1e3</Size></Contents>`),
    pageOf(`<Contents>${key}<Size>9999999999999999</Size></Contents>`),
    pageOf("", ""),
    pageOf("", "<IsTruncated>true</IsTruncated>"),
    bytesOf("<Error><Code>SlowDown</Code></Error>"),
  ];
  for (const page of pages) assert.equal(readListPage(page).ok, false);
});

test("what of XML no storage needs is refused", () => {
  const texts = [
    "",
    "no element",
    "<a>",
    "<a></b>",
    "<a/><b/>",
    "<a></a b='c'>",
    "<a>&bomb;</a>",
    "<a>&amp</a>",
    "<a>&#0;</a>",
    "<a>&#xD800;</a>",
    "<a>&#x110000;</a>",
    "<a>&toString;</a>",
    "<a><!-- --></a>",
    "<a><![CDATA[x]]></a>",
    '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    "<a b='<'/>",
    `${"<a>".repeat(9)}${"</a>".repeat(9)}`,
    `<a>${"<b/>".repeat(50_000)}</a>`,
    `<a>${" ".repeat(4 * 1024 * 1024)}</a>`,
  ];
  for (const text of texts) assert.equal(readXml(bytesOf(text)).ok, false, text.slice(0, 80));
  assert.equal(readXml(Uint8Array.of(0x3c, 0x61, 0x2f, 0x3e, 0xff)).ok, false);
});

test("any text comes out as it was escaped", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const read = readXml(bytesOf(`<a><b>${escaped(text)}</b></a>`));
      assert(read.ok);
      assert.equal(textIn(read.value, "b"), text);
    }),
  );
});

test("any bytes, and any damage of a page, are read or refused, and never thrown at", () => {
  const page = pageOf("<Contents><Key>packs/a&amp;</Key><Size>12</Size></Contents>".repeat(3));
  const piece = fc.constantFrom(..."<>/&;#x ='\"a1".split(""), "<Key>", "</Contents>", "&#x41;");
  fc.assert(
    fc.property(
      fc.nat({ max: page.length }),
      fc.nat({ max: 30 }),
      fc.oneof(
        fc.uint8Array({ maxLength: 20 }),
        fc.array(piece).map((all) => bytesOf(all.join(""))),
      ),
      (at, removed, added) => {
        const damaged = [page.subarray(0, at), added, page.subarray(at + removed)];
        const read = readListPage(new Uint8Array(Buffer.concat(damaged)));
        if (!read.ok) return;
        for (const { name, bytes } of read.value.objects) {
          assert(name.length > 0 && Number.isSafeInteger(bytes) && bytes >= 0);
        }
      },
    ),
    { numRuns: 3000 },
  );
});

test("a long hostile text takes no long time", () => {
  const texts = [
    `<a ${"b='c' ".repeat(100_000)}`,
    `<a>${"&".repeat(1_000_000)}`,
    `<a${" ".repeat(1_000_000)}`,
    "<".repeat(1_000_000),
  ];
  for (const text of texts) {
    const before = process.cpuUsage();
    assert.equal(readXml(bytesOf(text)).ok, false);
    const { user } = process.cpuUsage(before);
    assert(user < 3_000_000, `${user} µs of processor for ${text.slice(0, 10)}…`);
  }
});
