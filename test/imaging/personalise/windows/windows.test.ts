/**
 * Windows made one PC's own, on NTFS volumes made by Debian's tools: hives are read back by `reged`, answer
 * files by `xmllint`, access lists by `ntfssecaudit`, and all volumes are compared file by file.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { personaliseDisk } from "../../../../imaging/personalise/personalise.ts";
import { tool } from "../../capture/disks.ts";
import {
  differing,
  filesOf,
  generalised,
  makeUnclean,
  mounted,
  noWindows,
  personal,
  personalise,
  systemKeys,
  windowsFiles,
  withVolume,
} from "./disks.ts";
import { exported, makeHive, seal } from "./hives.ts";

const hivePath = "Windows/System32/config/SYSTEM";
const answerPath = "Windows/Panther/unattend.xml";
const readIn = (device: string, path: string): Buffer =>
  mounted(device, "ro", (root) => readFileSync(join(root, path)));
const asFresh = (): Record<string, string | Uint8Array> => ({
  ...windowsFiles(),
  "Windows/Setup/State/State.ini": generalised,
});
/** What xmllint answers to an XPath in which `u:` is the namespace of answer files. */
const asked = (xml: string, path: string): string =>
  tool(
    "xmllint",
    [
      "--xpath",
      path.replaceAll(
        /u:(\w+)/g,
        '*[local-name()="$1" and namespace-uri()="urn:schemas-microsoft-com:unattend"]',
      ),
      "-",
    ],
    xml,
  ).trim();
const inPass = (pass: string, component: string, setting: string): string =>
  `string(/u:unattend/u:settings[@pass="${pass}"]/u:component[@name="Microsoft-Windows-${component}"]/${setting})`;

test("a Windows that was set up gets its name in every control set, and nothing else changes", async () => {
  await withVolume(windowsFiles(), async (device) => {
    const before = filesOf(device);
    const whose = personal({ domain: "lab.example.org" });
    const { isWindows, steps } = await personalise(device, whose);

    assert.equal(isWindows, true);
    assert.deepEqual(
      steps.map(({ name, result }) => [name, result]),
      [
        ["Windows on partition 3: name", "done"],
        ["Windows on partition 3: clones", "left"],
      ],
    );
    assert.deepEqual(differing(before, filesOf(device)), [`C:\\${hivePath.replaceAll("/", "\\")}`]);
    assert.deepEqual(steps[0]?.files, differing(before, filesOf(device)));
    assert.match(steps[1]?.detail ?? "", /not generalised.*SID/s);

    const wanted = (set: string): string => exported(makeHive(systemKeys), set);
    const hive = readIn(device, hivePath);
    for (const set of ["ControlSet001", "ControlSet002"]) {
      const right = wanted(set)
        .replace('"ComputerName"="MASTER"', '"ComputerName"="LAB1-A3"')
        .replace('"HostName"="Master"', '"HostName"="lab1-a3"')
        .replace('"NV Hostname"="Master"', '"NV Hostname"="lab1-a3"')
        .replace('"Domain"=""', '"Domain"="lab.example.org"')
        .replace(/("Guid"=hex:[^"[]*?[0-9a-f]{2}\n)/, '$1"NV Domain"="lab.example.org"\n');
      assert.notEqual(right, wanted(set));
      assert.equal(exported(hive, set), right);
    }
    for (const key of ["Select", "Setup"]) assert.equal(exported(hive, key), wanted(key));
  });
});

test("a Windows is found among the volumes of a restored disk", async () => {
  await withVolume(windowsFiles(), async (device) => {
    const said: string[] = [];
    await personaliseDisk({
      ...{ path: device, personal: personal(), mac: "52:54:00:00:00:01" },
      signal: new AbortController().signal,
      said: ({ name, result }) => void said.push(`${name}: ${result}`),
      log() {},
      async *driver() {},
    });
    assert.deepEqual(said, [
      "Windows on the disk: name: done",
      "Windows on the disk: clones: left",
    ]);
  });
});

test("a second run changes nothing", async () => {
  for (const files of [windowsFiles(), asFresh()]) {
    await withVolume(files, async (device) => {
      const windows = { ...noWindows, locale: "de-DE", firstLogon: "echo 1\n", drivers: [driver] };
      const again = () =>
        personalise(device, personal({ windows }), { "net/a.inf": driverContent });
      await again();
      const before = filesOf(device);
      const { steps } = await again();
      assert.deepEqual(differing(before, filesOf(device)), []);
      assert.deepEqual(
        steps.flatMap((step) => step.files),
        [],
      );
      assert.deepEqual(
        steps.filter(({ result }) => result === "failed"),
        [],
      );
    });
  }
});

test("folders and hives are found in any case, and keep their access lists", async () => {
  const hive = makeHive({
    ...systemKeys,
    "ControlSet001\\Control\\ComputerName\\ActiveComputerName": { ComputerName: "string:MASTER" },
  });
  await withVolume({ "WINDOWS/system32/Config/system": hive }, async (device) => {
    const audit = () => tool("ntfssecaudit", ["-v", device, "/WINDOWS/system32/Config/system"]);
    const lists = audit();
    const { steps } = await personalise(device, personal());
    assert.deepEqual(steps[0]?.files, ["C:\\WINDOWS\\system32\\Config\\system"]);
    const text = exported(readIn(device, "WINDOWS/system32/Config/system"), "ControlSet001");
    assert.equal(text.match(/"ComputerName"="LAB1-A3"/g)?.length, 2);
    assert.equal(audit(), lists);
  });
});

test("a volume without Windows is left, and so is one that is no NTFS", async () => {
  await withVolume({ "Data/report.txt": "kept" }, async (device) => {
    const before = filesOf(device);
    assert.deepEqual(await personalise(device, personal()), { isWindows: false, steps: [] });
    assert.deepEqual(filesOf(device), before);
  });
  const elsewhere = { "real/System32/config/SYSTEM": makeHive(systemKeys) };
  await withVolume(elsewhere, async (device) => {
    mounted(device, "rw", (root) => symlinkSync("real", join(root, "Windows")));
    assert.deepEqual(await personalise(device, personal()), { isWindows: false, steps: [] });
  });
});

test("a hibernated, an unclean and a read-only volume are not written to, and it is told why", async () => {
  const asleep = (magic: string) => ({
    ...windowsFiles(),
    "hiberfil.sys": Buffer.concat([Buffer.from(magic), Buffer.alloc(8192)]),
  });
  for (const magic of ["hibr", "HIBR"]) {
    await withVolume(asleep(magic), async (device) => {
      const before = filesOf(device);
      const { isWindows, steps } = await personalise(device, personal());
      assert.equal(isWindows, true);
      assert.deepEqual(
        steps.map(({ result }) => result),
        ["failed"],
      );
      assert.match(steps[0]?.detail ?? "", /hibernated.*powercfg \/h off/s);
      assert.deepEqual(filesOf(device), before);
    });
  }
  await withVolume(windowsFiles(), async (device) => {
    makeUnclean(device);
    const { isWindows, steps } = await personalise(device, personal());
    assert.equal(isWindows, true);
    assert.deepEqual(
      steps.map(({ result }) => result),
      ["failed"],
    );
    assert.match(steps[0]?.detail ?? "", /not shut down cleanly.*shutdown \/s/s);
  });
  await withVolume(windowsFiles(), async (device) => {
    tool("blockdev", ["--setro", device]);
    const { steps } = await personalise(device, personal());
    tool("blockdev", ["--setrw", device]);
    assert.deepEqual(
      steps.map(({ result }) => result),
      ["failed"],
    );
    assert.match(steps[0]?.detail ?? "", /its ntfs is read-only/);
  });
});

test("a damaged or dirty hive is left as it is, and the step fails with the reason", async () => {
  const hive = makeHive(systemKeys);
  const broken = (change: (bytes: Buffer) => void): Buffer => {
    const bytes = Buffer.from(hive);
    change(bytes);
    return bytes;
  };
  const cases: [Buffer, RegExp][] = [
    [broken((bytes) => bytes.fill(0xa5, 4096 + 40, 4096 + 200)), /damaged/],
    [broken((bytes) => bytes.fill(0, 8192, 8300)), /damaged/],
    [hive.subarray(0, 6000) as Buffer, /damaged/],
    [Buffer.from("no hive at all"), /damaged/],
    [broken((bytes) => seal(bytes.fill(0x77, 4, 8))), /wait in its log/],
    [broken((bytes) => bytes.fill(0x77, 12, 16)), /wait in its log/],
    [makeHive({ Select: { Current: "dword:1" } }), /no place for a computer name/],
  ];
  for (const [content, reason] of cases) {
    await withVolume({ ...windowsFiles(), [hivePath]: content }, async (device) => {
      const { steps } = await personalise(device, personal());
      assert.equal(steps[0]?.result, "failed");
      assert.match(steps[0]?.detail ?? "", reason);
      assert.deepEqual(steps[0]?.files, []);
      assert.deepEqual(readIn(device, hivePath), Buffer.from(content));
    });
  }
});

test("a full volume keeps the hive that it has", async () => {
  await withVolume(windowsFiles(), async (device) => {
    mounted(device, "rw", (root) => {
      for (let size = 1 << 20, index = 0; size >= 512; index++) {
        try {
          writeFileSync(join(root, `filler${index}`), Buffer.alloc(size, 1));
        } catch {
          size /= 2;
        }
      }
    });
    const before = filesOf(device);
    const { steps } = await personalise(device, personal());
    assert.equal(steps[0]?.result, "failed");
    assert.match(steps[0]?.detail ?? "", /volume is full/);
    assert.deepEqual(differing(before, filesOf(device)), []);
  });
});

test("a name that Windows does not take is refused, and so is nothing else", async () => {
  for (const name of ["a23456789-123456", "12345", "a_b", ""]) {
    await withVolume(windowsFiles(), async (device) => {
      const before = filesOf(device);
      const { steps } = await personalise(device, personal({ name }));
      assert.equal(steps[0]?.result, "failed");
      assert.match(steps[0]?.detail ?? "", /15 letters/);
      assert.deepEqual(filesOf(device), before);
    });
  }
});

test("a static address is left to DHCP, and settings to a generalised image", async () => {
  const address = {
    kind: "static" as const,
    ...{ address: "192.0.2.7", prefix: 24, gateway: null, dns: [] },
    mac: "52:54:00:00:00:01",
  };
  const windows = { ...noWindows, joinBlob: "QUJD", timeZone: "UTC", isJoinWithheld: true };
  await withVolume(windowsFiles(), async (device) => {
    const { steps } = await personalise(device, personal({ address, windows }));
    assert.deepEqual(
      steps.map(({ result, detail }) => [
        result,
        /time zone, domain join|DHCP|proven its key/.test(detail),
      ]),
      [
        ["done", false],
        ["left", false],
        ["left", true],
        ["left", true],
        ["left", true],
      ],
    );
  });
});

const driverContent = Buffer.from("[Version]\r\nSignature=$WINDOWS NT$\r\n");
const driver = {
  path: "net/a.inf",
  size: driverContent.length,
  sha256: createHash("sha256").update(driverContent).digest("hex"),
};

test("a generalised Windows gets an answer file, a script and drivers, for administrators alone", async () => {
  await withVolume(asFresh(), async (device) => {
    const before = filesOf(device);
    const windows = {
      ...noWindows,
      ...{ locale: "de-DE", timeZone: "W. Europe Standard Time", joinBlob: "QUJD+/==" },
      ...{ firstLogon: "@echo off\necho \x81\n:end\n", drivers: [driver] },
    };
    const { steps } = await personalise(device, personal({ windows }), {
      [driver.path]: driverContent,
    });

    assert.deepEqual(
      steps.map(({ result }) => result),
      ["done", "done"],
    );
    const files = [
      "C:\\Drivers\\Roomcast\\net\\a.inf",
      "C:\\Windows\\Panther\\unattend.xml",
      "C:\\Windows\\Setup\\Scripts\\roomcast-first-logon.cmd",
    ];
    assert.deepEqual(differing(before, filesOf(device)), files);
    assert.deepEqual(steps.flatMap((step) => step.files).sort(), files);
    assert.deepEqual(readIn(device, "Drivers/Roomcast/net/a.inf"), driverContent);
    const script = readIn(device, "Windows/Setup/Scripts/roomcast-first-logon.cmd");
    assert.equal(script.toString("latin1"), "@echo off\r\necho \x81\r\n:end\r\n");

    const xml = readIn(device, answerPath).toString();
    const shell = inPass("specialize", "Shell-Setup", "u:ComputerName");
    assert.equal(asked(xml, shell), "lab1-a3");
    const account = "u:Identification/u:Provisioning/u:AccountData";
    assert.equal(asked(xml, inPass("specialize", "UnattendedJoin", account)), "QUJD+/==");

    for (const path of [
      "/Windows/Panther/unattend.xml",
      "/Windows/Setup/Scripts",
      "/Drivers/Roomcast/net/a.inf",
    ]) {
      const audit = tool("ntfssecaudit", ["-vv", device, path]);
      assert.match(audit, /Windows owner S-1-5-32-544/);
      // It shows them in hexadecimal as well.
      const allowed = ["S-1-5-12", "S-1-5-18", "S-1-5-20-220", "S-1-5-32-544"];
      assert.deepEqual([...new Set(audit.match(/S-1-[0-9-]+/g))].sort(), allowed);
    }
  });
});

test("drivers for a Windows that was set up wait for pnputil", async () => {
  await withVolume(windowsFiles(), async (device) => {
    const windows = { ...noWindows, drivers: [driver] };
    const { steps } = await personalise(device, personal({ windows }), {
      [driver.path]: driverContent,
    });
    const last = steps.at(-1);
    assert.equal(last?.result, "left");
    assert.match(last?.detail ?? "", /pnputil/);
    assert.deepEqual(last?.files, ["C:\\Drivers\\Roomcast\\net\\a.inf"]);
  });
});

test("a driver that comes otherwise than announced is not kept", async () => {
  await withVolume(asFresh(), async (device) => {
    const windows = { ...noWindows, drivers: [driver] };
    for (const content of [
      Buffer.from("short"),
      Buffer.alloc(driver.size, 1),
      Buffer.alloc(9999),
    ]) {
      const { steps } = await personalise(device, personal({ windows }), {
        [driver.path]: content,
      });
      assert.equal(steps.at(-1)?.result, "failed");
      assert.match(steps.at(-1)?.detail ?? "", /another content/);
      mounted(device, "ro", (root) =>
        assert.deepEqual(readdirSync(join(root, "Drivers/Roomcast/net")), []),
      );
    }
  });
});

test("the image's own answers stay, wherever Windows would take them from", async () => {
  const own = `<?xml version="1.0"?><unattend xmlns="urn:schemas-microsoft-com:unattend">
    <settings pass="oobeSystem"><component name="Microsoft-Windows-Shell-Setup" processorArchitecture="amd64">
    <OOBE><HideEULAPage>true</HideEULAPage></OOBE></component></settings></unattend>`;
  const hidden = inPass("oobeSystem", "Shell-Setup", "u:OOBE/u:HideEULAPage");
  const name = inPass("specialize", "Shell-Setup", "u:ComputerName");
  const over = own.replace('pass="oobeSystem"', 'pass="oobeSystem" wasPassProcessed="true"');
  const german = own
    .replace('1.0"', '1.0" encoding="windows-1252"')
    .replace("<OOBE>", "<RegisteredOwner>Schüler</RegisteredOwner><OOBE>");
  const owner = inPass("oobeSystem", "Shell-Setup", "u:RegisteredOwner");
  const cases: [Record<string, string | Uint8Array>, string[], string?][] = [
    [{ [answerPath]: Buffer.from(german, "latin1") }, [answerPath], "Schüler"],
    [{ [answerPath]: Buffer.from(`\ufeff${german}`, "utf16le") }, [answerPath], "Schüler"],
    [{ [answerPath]: `\ufeff${german}` }, [answerPath], "Schüler"],
    [{ "Windows/Panther/Unattend.XML": own }, ["Windows/Panther/Unattend.XML"]],
    [
      { "Windows/Panther/Unattend/unattend.xml": own },
      [answerPath, "Windows/Panther/Unattend/unattend.xml"],
    ],
    [{ "Windows/System32/Sysprep/unattend.xml": own, [answerPath]: over }, [answerPath]],
    [{ "unattend.xml": `\ufeff${own}` }, [answerPath]],
  ];
  for (const [files, written, named = ""] of cases) {
    await withVolume({ ...asFresh(), ...files }, async (device) => {
      const before = filesOf(device);
      const { steps } = await personalise(device, personal());
      assert.deepEqual(
        steps.map(({ result }) => result),
        ["done"],
      );
      const paths = written.map((path) => `C:\\${path.replaceAll("/", "\\")}`);
      assert.deepEqual(differing(before, filesOf(device)), paths.sort());
      for (const path of written) {
        const xml = readIn(device, path).toString();
        assert.deepEqual([asked(xml, hidden), asked(xml, name)], ["true", "lab1-a3"]);
        assert.equal(asked(xml, owner), named);
      }
    });
  }
});

test("an answer file that is not understood, or that the registry names, is not hidden by ours", async () => {
  const named = makeHive({ ...systemKeys, Setup: { UnattendFile: "string:C:\\answers.xml" } });
  const cases: [Record<string, string | Uint8Array>, RegExp][] = [
    [{ [answerPath]: "<unattend>" }, /not understood/],
    [{ [answerPath]: "<other/>" }, /not understood/],
    [{ [answerPath]: Buffer.from("<unattend>ü", "latin1") }, /no text in utf-8/],
    [{ [answerPath]: '<?xml version="1.0" encoding="cp850"?><other/>' }, /no text in cp850/],
    [{ [hivePath]: named }, /C:\\answers\.xml/],
  ];
  for (const [files, reason] of cases) {
    await withVolume({ ...asFresh(), ...files }, async (device) => {
      const before = filesOf(device);
      const { steps } = await personalise(device, personal());
      assert.deepEqual(
        steps.map(({ result }) => result),
        ["failed"],
      );
      assert.match(steps[0]?.detail ?? "", reason);
      assert.deepEqual(filesOf(device), before);
    });
  }
});

test("a volume that ntfsresize has grown takes its name", async () => {
  await withVolume(windowsFiles(), async (device) => {
    tool("ntfsresize", ["-f", "-f", "-s", "20M", device], "y\n");
    tool("ntfsresize", ["-f", "-f", device], "y\n");
    const { steps } = await personalise(device, personal());
    assert.equal(steps[0]?.result, "done", steps[0]?.detail);
  });
});
