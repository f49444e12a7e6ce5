import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type Answers,
  answerFile,
  isPending,
} from "../../../../imaging/personalise/windows/answer-file.ts";
import { decodeXml, encodeXml } from "../../../../imaging/personalise/windows/xml.ts";
import { tool } from "../../capture/disks.ts";

const bare: Answers = {
  ...{ name: "lab1-a3", locale: null, timeZone: null, joinBlob: null },
  ...{ firstLogon: null, setup: null, architecture: "amd64" },
};
const all: Answers = {
  ...bare,
  ...{ locale: "de-DE", timeZone: "W. Europe Standard Time", joinBlob: "QUJD" },
  ...{ firstLogon: "cmd.exe /c first.cmd", setup: 'cmd.exe /c "a & b"' },
};

function made(image: string | null, answers: Answers): string {
  const file = answerFile(image, answers);
  assert(file.ok, file.ok ? "" : file.reason);
  return file.value;
}

const namespace = "urn:schemas-microsoft-com:unattend";
/** What xmllint finds; a step of the path may begin with `u:`, for that namespace. */
const asked = (xml: string, path: string): string =>
  tool(
    "xmllint",
    [
      "--xpath",
      path.replaceAll(/u:(\w+)/g, `*[local-name()="$1" and namespace-uri()="${namespace}"]`),
      "-",
    ],
    xml,
  ).trimEnd();
const inPass = (pass: string, component: string): string =>
  `/u:unattend/u:settings[@pass="${pass}"]/u:component[@name="Microsoft-Windows-${component}"]`;

const own = `<?xml version="1.0" encoding="utf-8"?>
<!-- of the master -->
<unattend xmlns="${namespace}" xmlns:wcm="http://schemas.microsoft.com/WMIConfig/2002/State">
  <settings pass="generalize" wasPassProcessed="true">
    <component name="Microsoft-Windows-PnpSysprep" processorArchitecture="amd64"/>
  </settings>
  <settings pass="specialize">
    <component name='Microsoft-Windows-Shell-Setup' processorArchitecture="amd64">
      <ComputerName>*</ComputerName><ProductKey>AAAAA</ProductKey>
    </component>
    <component name="Microsoft-Windows-UnattendedJoin" processorArchitecture="amd64">
      <Identification><Credentials><Password>old</Password></Credentials></Identification>
    </component>
  </settings>
  <settings pass="oobeSystem">
    <component name="Microsoft-Windows-Shell-Setup" processorArchitecture="amd64">
      <TimeZone>UTC</TimeZone>
      <FirstLogonCommands>
        <SynchronousCommand wcm:action="add"><CommandLine>a &amp; b</CommandLine><Order>7</Order></SynchronousCommand>
      </FirstLogonCommands>
      <UserAccounts><AdministratorPassword><Value>x</Value></AdministratorPassword></UserAccounts>
    </component>
  </settings>
</unattend>
`;

test("each answer stands in a pass in which Windows takes it", () => {
  const xml = made(null, all);
  const said: [string, string][] = [
    [`${inPass("specialize", "Shell-Setup")}/u:ComputerName`, "lab1-a3"],
    [
      `${inPass("specialize", "UnattendedJoin")}/u:Identification/u:Provisioning/u:AccountData`,
      "QUJD",
    ],
    [
      `${inPass("specialize", "Deployment")}/u:RunSynchronous/u:RunSynchronousCommand/u:Path`,
      'cmd.exe /c "a & b"',
    ],
    [`${inPass("oobeSystem", "Shell-Setup")}/u:TimeZone`, "W. Europe Standard Time"],
    [
      `${inPass("oobeSystem", "Shell-Setup")}/u:FirstLogonCommands/u:SynchronousCommand/u:CommandLine`,
      "cmd.exe /c first.cmd",
    ],
    ...["InputLocale", "SystemLocale", "UILanguage", "UserLocale"].map((name): [string, string] => [
      `${inPass("oobeSystem", "International-Core")}/u:${name}`,
      "de-DE",
    ]),
  ];
  for (const [path, text] of said) assert.equal(asked(xml, `string(${path})`), text, path);
  const attributes = ["processorArchitecture", "publicKeyToken", "language", "versionScope"];
  const component = inPass("specialize", "Shell-Setup");
  assert.deepEqual(
    attributes.map((name) => asked(xml, `string(${component}/@${name})`)),
    ["amd64", "31bf3856ad364e35", "neutral", "nonSxS"],
  );
  const action = `//*[namespace-uri()="${namespace}"]/@*[local-name()="action"]`;
  assert.equal(asked(xml, `count(${action})`), "2");
});

test("what is not set is not answered", () => {
  const xml = made(null, bare);
  assert.equal(asked(xml, "count(//u:component)"), "1");
  assert.equal(asked(xml, "count(//u:component/*)"), "1");
});

test("the image's other answers stay, and no second join, name or time zone beside ours", () => {
  const xml = made(own, all);
  assert.equal(asked(xml, `string(${inPass("specialize", "Shell-Setup")}/u:ProductKey)`), "AAAAA");
  for (const name of ["ComputerName", "TimeZone", "Identification"])
    assert.equal(asked(xml, `count(//u:${name})`), "1", name);
  assert.equal(asked(xml, "count(//u:Password)"), "0");
  const commands = `${inPass("oobeSystem", "Shell-Setup")}/u:FirstLogonCommands/u:SynchronousCommand`;
  assert.equal(asked(xml, `string(${commands}[1]/u:CommandLine)`), "a & b");
  assert.equal(asked(xml, `string(${commands}[2]/u:Order)`), "8");
  const ours = [...xml.matchAll(/<!-- of the master -->|<UserAccounts>.*<\/UserAccounts>/g)];
  assert.equal(ours.length, 2);
});

test("a pass that Windows has gone through makes room for ours, and is nothing to wait for", () => {
  const over = own.replaceAll(/pass="(specialize|oobeSystem)"/g, '$& wasPassProcessed="true"');
  assert.deepEqual(isPending(own), { ok: true, value: true });
  assert.deepEqual(isPending(over), { ok: true, value: false });
  const xml = made(over, bare);
  assert.equal(asked(xml, 'count(//u:settings[@pass="specialize"])'), "1");
  assert.equal(asked(xml, "string(//u:ComputerName)"), "lab1-a3");
  assert.equal(asked(xml, "count(//u:ProductKey)"), "0");
});

test("the same answers again change nothing, and another PC's replace them", () => {
  for (const image of [null, own]) {
    const once = made(image, all);
    assert.equal(made(once, all), once);
    const other = made(once, { ...all, name: "lab1-a4", joinBlob: "REVG" });
    assert.equal(other, once.replace("lab1-a3", "lab1-a4").replace("QUJD", "REVG"));
  }
});

test("another architecture has components of its own", () => {
  const xml = made(own, { ...bare, architecture: "arm64" });
  const component = `${inPass("specialize", "Shell-Setup")}[@processorArchitecture="arm64"]`;
  assert.equal(asked(xml, `string(${component}/u:ComputerName)`), "lab1-a3");
});

test("any text is taken as it is, but for what XML has no characters for", () => {
  const nasty = `<&>"'\t\n ]]> &amp; é 😀`;
  const xml = made(null, { ...all, firstLogon: nasty, timeZone: "a\u0001b\ud800c" });
  const line = inPass("oobeSystem", "Shell-Setup");
  assert.equal(asked(xml, `string(${line}//u:CommandLine)`), nasty);
  assert.equal(asked(xml, `string(${line}/u:TimeZone)`), "a\ufffdb\ufffdc");
  const property = fc.property(fc.string({ unit: "binary" }), (text) => {
    const once = made(null, { ...all, firstLogon: text, setup: text });
    assert.equal(made(once, { ...all, firstLogon: text, setup: text }), once);
  });
  fc.assert(property);
});

test("XML that is read is written as it was", () => {
  const texts = [
    own,
    '<?xml version="1.0"?><!--a-->\n<a b = "1"  c=\'"\'><![CDATA[<&]]>&lt;<?pi x?><d /></a>\n<!--e-->',
  ];
  for (const text of texts) {
    const document = decodeXml(text);
    assert(document.ok);
    const canonical = (xml: string): string => tool("xmllint", ["--c14n11", "-"], xml);
    assert.equal(canonical(encodeXml(document.value)), canonical(text));
  }
});

test("XML that is none, or has a document type, is refused with the line", () => {
  const cases = [
    "",
    "text",
    "<a>",
    "<a></b>",
    "<a/><b/>",
    "<a>\n<b c=1/></a>",
    "<a>&b;</a",
    '<!DOCTYPE a [<!ENTITY b "c">]>\n<a/>',
    `${"<a>".repeat(600)}`,
  ];
  for (const text of cases) {
    const document = decodeXml(text);
    assert(!document.ok, text);
    assert.match(document.reason, /^line \d+: /);
  }
  const third = decodeXml("<a>\n\n<b c=1/></a>");
  assert(!third.ok && third.reason.startsWith("line 3:"));
  const anything = fc.property(fc.string({ unit: "binary" }), (text) => {
    decodeXml(`<a>${text}`);
  });
  fc.assert(anything);
});
