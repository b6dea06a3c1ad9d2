// Reads the requirements of an ELF file: its shared libraries, and the versions of their symbols. Only 64-bit little-endian
// files are read. The layout is from elf(5), and from the LSB for the section `.gnu.version_r`.
import { readFileSync } from 'node:fs';

const SHT_DYNAMIC = 6;
const SHT_GNU_VERNEED = 0x6ffffffe;
const DT_NEEDED = 1n;
/** e_machine -> process.arch. */
const machines = { 62: 'x64', 183: 'arm64' };

/**
 * @param {string} path
 * @returns {{ machine: string | undefined, libraries: string[], versions: string[] }} versions as `GLIBC_2.34`
 */
export function readRequirements(path) {
  const file = readFileSync(path);
  if (file.toString('latin1', 0, 4) !== '\x7fELF' || file[4] !== 2 || file[5] !== 1) {
    throw new Error(`${path}: expected a 64-bit little-endian ELF file`);
  }
  const sections = readSections(file);
  const text = (section, offset) => {
    const begin = section.offset + offset;
    return file.toString('latin1', begin, file.indexOf(0, begin));
  };
  const libraries = [];
  const versions = [];
  for (const { type, offset, size, link } of sections) {
    const strings = sections[link];
    if (type === SHT_DYNAMIC) {
      for (let at = offset; at < offset + size; at += 16) {
        if (file.readBigInt64LE(at) === DT_NEEDED) libraries.push(text(strings, file.readUInt32LE(at + 8)));
      }
    } else if (type === SHT_GNU_VERNEED) {
      // Elfxx_Verneed: vn_version, vn_cnt (16 bits each), vn_file, vn_aux, vn_next (32 bits each).
      for (let need = offset, next = -1; next !== 0; need += next) {
        next = file.readUInt32LE(need + 12);
        // Elfxx_Vernaux: vna_hash (32), vna_flags, vna_other (16 each), vna_name, vna_next (32 each).
        let aux = need + file.readUInt32LE(need + 8);
        for (let n = file.readUInt16LE(need + 2); n > 0; n--, aux += file.readUInt32LE(aux + 12)) {
          versions.push(text(strings, file.readUInt32LE(aux + 8)));
        }
      }
    }
  }
  return { machine: machines[file.readUInt16LE(18)], libraries, versions };
}

function readSections(file) {
  const [start, each, count] = [
    Number(file.readBigUInt64LE(40)),
    file.readUInt16LE(58),
    file.readUInt16LE(60),
  ];
  return Array.from({ length: count }, (_, n) => {
    const at = start + n * each;
    return {
      type: file.readUInt32LE(at + 4),
      offset: Number(file.readBigUInt64LE(at + 24)),
      size: Number(file.readBigUInt64LE(at + 32)),
      link: file.readUInt32LE(at + 40),
    };
  });
}

const parts = (version) => version.split('.').map(Number);

/** Compares two versions, as `2.4` and `2.34`. */
export function compareVersions(a, b) {
  const [left, right] = [parts(a), parts(b)];
  for (let n = 0; n < Math.max(left.length, right.length); n++) {
    const difference = (left[n] ?? 0) - (right[n] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The oldest glibc that has all the symbols that the file needs, as `2.34`. */
export function glibcFloor(path) {
  return readRequirements(path)
    .versions.filter((version) => version.startsWith('GLIBC_'))
    .map((version) => version.slice('GLIBC_'.length))
    .sort(compareVersions)
    .at(-1);
}
