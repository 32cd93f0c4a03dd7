/**
 * Files that are no memory image we read, known by their first bytes: what they are, and what to do with them.
 * Packed files need unpacking since memory is read here and there; the rest are formats of other programs.
 */

interface Packed {
  readonly magic: string;
  readonly by: string;
  /** The command that writes the content to its output. */
  readonly program: string;
  readonly endings: readonly string[];
}

const packed: readonly Packed[] = [
  { magic: '\x1f\x8b', by: 'gzip', program: 'gzip -dc', endings: ['.gz', '.tgz'] },
  { magic: '\xfd7zXZ\0', by: 'xz', program: 'xz -dc', endings: ['.xz'] },
  { magic: '\x28\xb5\x2f\xfd', by: 'zstd', program: 'zstd -dc', endings: ['.zst'] },
  { magic: 'BZh', by: 'bzip2', program: 'bzip2 -dc', endings: ['.bz2'] },
  { magic: '\x04\x22\x4d\x18', by: 'lz4', program: 'lz4 -dc', endings: ['.lz4'] },
  { magic: '\x02\x21\x4c\x18', by: 'lz4', program: 'lz4 -dc', endings: ['.lz4'] },
  { magic: '\x89LZO\0\r\n\x1a\n', by: 'lzop', program: 'lzop -dc', endings: ['.lzo'] },
  { magic: '\x5d\0\0', by: 'lzma', program: 'xz --format=lzma -dc', endings: ['.lzma'] },
  { magic: 'PK\x03\x04', by: 'zip', program: 'unzip -p', endings: ['.zip'] },
];

interface Foreign {
  readonly magic: string;
  readonly at?: number;
  readonly advice: string;
}

const WINDOWS = 'is a crash dump of Windows; WinDbg opens it';
const CONVERTED = 'crash opens it; vmscope reads ELF vmcores and kdumps';
const DISK =
  'the disk of a virtual machine, no memory; vmscope capture, or virsh dump --memory-only, writes its memory';

const foreign: readonly Foreign[] = [
  { magic: 'QEVM', advice: `is a state of a virtual machine (QEMU's savevm or migration): ${virshAdvice()}` },
  { magic: 'LibvirtQemudSave', advice: `is a saved virtual machine (virsh save): ${virshAdvice()}` },
  { magic: 'LibvirtQemudPart', advice: `is a part of a saved virtual machine (virsh save): ${virshAdvice()}` },
  { magic: 'QFI\xfb', advice: `is a qcow2 image: ${DISK}` },
  { magic: 'KDMV', advice: `is a VMDK image: ${DISK}` },
  { magic: 'vhdxfile', advice: `is a VHDX image: ${DISK}` },
  ...['\xd0\xbe\xd2\xbe', '\xd1\xba\xd1\xba', '\xd2\xbe\xd2\xbe', '\xd3\xbe\xd3\xbe'].map((magic) => ({
    magic,
    advice:
      "is a suspended or snapshotted VMware guest (.vmss, .vmsn); VMware's vmss2core -N6 makes an ELF vmcore of it and its .vmem",
  })),
  { magic: '\xed\xeb\x0f\xf0', advice: `is a core dump of a Xen guest in the old format; ${CONVERTED}` },
  { magic: '\xee\xeb\x0f\xf0', advice: `is a core dump of a Xen guest in the old format; ${CONVERTED}` },
  { magic: '\xed\x23\x8f\x61\x73\x01\x19\xa8', advice: `is an LKCD dump; ${CONVERTED}` },
  { magic: '\xa8\x19\x01\x73\x61\x8f\x23\xed', advice: `is an LKCD dump of a big-endian machine; ${CONVERTED}` },
  { magic: '\xa8\x19\x01\x73\x61\x8f\x23\xfd', advice: `is an s390 stand-alone dump; ${CONVERTED}` },
  { magic: 'sadump\0\0', advice: `is a dump by sadump (Fujitsu); makedumpfile makes a kdump of it` },
  { magic: 'PAGEDU64', advice: WINDOWS },
  { magic: 'PAGEDUMP', advice: WINDOWS },
  { magic: 'MDMP', advice: 'is a minidump of a Windows process, no memory of a kernel' },
  { magic: 'HIBR', advice: 'is a hibernation file of Windows' },
  { magic: 'hibr', advice: 'is a hibernation file of Windows' },
  { magic: 'EMiL', advice: 'is a LiME image of physical memory, which has no registers; LiME and Volatility read it' },
  { magic: 'AVML', advice: 'is an AVML image of physical memory; avml-convert --format raw unpacks it' },
  {
    magic: 'S1SUSPEND',
    at: 4086,
    advice: 'is a swap area with a hibernation image of Linux, which vmscope does not read',
  },
  { magic: 'SWAPSPACE2', at: 4086, advice: 'is a swap area, no memory image' },
  {
    magic: 'HdrS',
    at: 0x202,
    advice:
      'is a kernel as it is booted (vmlinuz), no memory image: name the vmcore, too, and symbols are taken from it',
  },
  { magic: 'ustar', at: 257, advice: 'is a tar archive: unpack it first (tar -xf) and name the vmcore in it' },
  { magic: '7z\xbc\xaf\x27\x1c', advice: 'is a 7z archive: unpack it first (7z x) and name the vmcore in it' },
  { magic: '!<arch>\n', advice: 'is a package or library (ar); unpack it first' },
  { magic: '\xed\xab\xee\xdb', advice: 'is an RPM package: unpack it first (rpm2cpio FILE | cpio -id)' },
];

/** How much of a file `foreignAdvice` wants to see. */
export const FOREIGN_HEAD = 4096;

/** What a file is and what to do with it; undefined where its first bytes tell nothing. */
export function foreignAdvice(name: string, head: Uint8Array): string | undefined {
  const startsWith = (magic: string, at = 0): boolean => {
    for (let index = 0; index < magic.length; index++) if (head[at + index] !== magic.charCodeAt(index)) return false;
    return true;
  };
  const archive = packed.find(({ magic }) => startsWith(magic));
  if (archive !== undefined) {
    const { by, program } = archive;
    return `is packed by ${by}, and memory has to be read here and there; unpack it first: ${program} ${quoted(name)} > ${quoted(unpackedName(name, archive))}`;
  }
  return foreign.find(({ magic, at }) => startsWith(magic, at))?.advice;
}

function virshAdvice(): string {
  return 'restore it and take a dump by virsh dump --memory-only or vmscope capture; crash reads such a state as it is';
}

function unpackedName(name: string, { endings }: Packed): string {
  const ending = endings.find((candidate) => name.toLowerCase().endsWith(candidate) && name.length > candidate.length);
  return ending === undefined ? `${name}.unpacked` : name.slice(0, -ending.length);
}

/** For a shell, and for programs that take what begins with a dash for an option. */
function quoted(file: string): string {
  const name = file.startsWith('-') ? `./${file}` : file;
  return /^[\w./+,:@%=-]+$/.test(name) ? name : `'${name.replaceAll("'", String.raw`'\''`)}'`;
}

/** The first bytes in hex and as text, for what nobody knows. */
export function shownBytes(head: Uint8Array): string {
  const first = head.subarray(0, 16);
  const bytes = Array.from(first, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const text = Array.from(first, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
  return `${bytes}  |${text}|`;
}
