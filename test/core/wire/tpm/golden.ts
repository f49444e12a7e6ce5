/**
 * What tpm2-tools 5.4 sent to swtpm 0.7.1, and its answers:
 * `tpm2_createprimary -C e -G ecc256:ecdsa-sha256:null -a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|sign'`,
 * `tpm2_quote -l sha256:0,4,7,9,11 -q DIGEST -g sha256`, `tpm2_flushcontext`, and the list of PCR banks that it
 * asks for first. tpm2-tools authorises itself by an HMAC session, where roomcast uses the empty password.
 */
export const hex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ""), "hex"));

const template = "0023 000b 00050472 0000 0010 0018 000b 0003 0010";
const x = "3e62e35a313e99619fdfa5739df04bd85edf3505f2d1d20169f7e34a8e31f899";
const y = "9b9ee9b0e9f1ab05da391136b67131dadcb3eec39470b6680ceb7de58c45103e";

/** The key as `tpm2_readpublic -f der` writes it. */
export const goldenKey = {
  x: hex(x),
  y: hex(y),
  spki: hex(`3059301306072a8648ce3d020106082a8648ce3d030107034200 04 ${x} ${y}`),
};

export const goldenCreatePrimary = {
  command: hex(`8002 00000081 00000131 4000000b
    00000049 02000000 0020 bc15387db37a52e2daafae953500d8661b8ef723d4031cec8c1fdb17e53f5259 01
      0020 b08fd56080ac6bf5e50a1d7f5ac0bc271e7e4844a5f8b14e06e2fa7448117372
    0004 0000 0000 0018 ${template} 0000 0000 0000 00000000`),
  response: hex(`8002 00000178 00000000 80000000 00000121
    0058 ${template} 0020 ${x} 0020 ${y}
    0037 00000000 0020 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
      01 0010 0004 4000000b 0004 4000000b 0000
    0020 28d026fafd749106743e27c4280551585e5d17668eb521835ed60127effc05d4
    8021 4000000b
      0040 0ae8c2ff76b74470f7f6a0cb184a197b76caa6e438162418070fe79d837478b0
           656f4f61ab7e74442736453c768240ea2721f48e23f19c03fd498f080da8fe60
    0022 000bcf798037538303baaa4a6243369580a647b61d1ecfea6eab9cb0c02b7bb8cb1b
    0020 294e8fccc9420864ddecacd9f9801472366a355a12b6d8bcc2fbe5c5e66c84fa 01
      0020 f5006bd1f638319ae4fa4f723a90c993af7273dccbc4f4bf39fca4c4ab73f21a`),
};

const digest = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const attest = `ff544347 8018 0022 000bd41b38a0d16217a614c8c408b16ff6bafb013104aea28c8548d9e265db2927a0
  0020 ${digest} 000000000000025e 00000001 00000000 01 2019102300163636
  00000001 000b 03 910a00 0020 b393978842a0fa3d3e1470196f098f473f9678e72463cb65ec4ab5581856c2e4`;
const r = "5d57b0a98f9c61a947082b887427a3dbd8e772490dabb13727486224504bb93b";
const s = "457d231605f8696b0396b918378ac48b967d5a19058cb6bc2cb9e1bfeebb1b16";

export const goldenQuote = {
  digest: hex(digest),
  attest: hex(attest),
  signature: hex(r + s),
  command: hex(`8002 0000008b 00000158 80000001
    00000049 02000000 0020 13ec1f8cbcf47bebbad7cc9966930dede4233c09736c17e979e405854d68a68c 01
      0020 9ec1a3f514b91975220308983847d3d29ac47d59d78d9bd158bed79cd0081f9c
    0020 ${digest} 0018 000b 00000001 000b 03 910a00`),
  response: hex(`8002 0000012e 00000000 000000db 0091 ${attest} 0018 000b 0020 ${r} 0020 ${s}
    0020 58e31126bcfc7c878993670d2ac3385009810ff12329945649d53d7e29cc1369 01
      0020 305e2f9553671a1016cab06def8618db303027e92fa447fa8c810923c2fabd1c`),
};

export const goldenPcrBanks = {
  command: hex("8001 00000016 0000017a 00000005 00000000 00000001"),
  response: hex(`8001 0000002b 00000000 00 00000005
    00000004 0004 03 ffffff 000b 03 ffffff 000c 03 ffffff 000d 03 ffffff`),
};

export const goldenFlush = {
  command: hex("8001 0000000e 00000165 80000002"),
  response: hex("8001 0000000a 00000000"),
};
