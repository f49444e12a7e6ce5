/** An ELF file with nothing but a `.modinfo` section: as much of a kernel module as is read here. */
export function makeModule(fields: readonly (readonly [string, string])[]): Uint8Array {
  const modinfo = Buffer.from(fields.map(([key, value]) => `${key}=${value}\0`).join(""), "latin1");
  const names = Buffer.from("\0.modinfo\0.shstrtab\0", "latin1");
  const headerBytes = 64;
  const sectionBytes = 64;
  const table = headerBytes + modinfo.length + names.length;
  const file = Buffer.alloc(table + 3 * sectionBytes);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  file.writeUInt16LE(1, 16); // ET_REL
  file.writeUInt16LE(62, 18); // EM_X86_64
  file.writeBigUInt64LE(BigInt(table), 40); // e_shoff
  file.writeUInt16LE(sectionBytes, 58);
  file.writeUInt16LE(3, 60); // e_shnum
  file.writeUInt16LE(2, 62); // e_shstrndx
  modinfo.copy(file, headerBytes);
  names.copy(file, headerBytes + modinfo.length);
  const section = (index: number, name: number, offset: number, size: number): void => {
    file.writeUInt32LE(name, table + index * sectionBytes);
    file.writeBigUInt64LE(BigInt(offset), table + index * sectionBytes + 24);
    file.writeBigUInt64LE(BigInt(size), table + index * sectionBytes + 32);
  };
  section(1, names.indexOf(".modinfo"), headerBytes, modinfo.length);
  section(2, names.indexOf(".shstrtab"), headerBytes + modinfo.length, names.length);
  return file;
}
