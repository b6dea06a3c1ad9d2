// Reads all members of a tar in memory, each as an object of its own: for tests.
import { MemberReader, type Member } from '../../src/tar/member.ts';
import { frameTar } from './framing.ts';

export interface ReadMember extends Omit<
  Member,
  'path' | 'pathLength' | 'link' | 'linkLength' | 'xattrs' | 'sparse'
> {
  path: string;
  link: string;
  xattrs: Record<string, Buffer>;
  sparse: number[] | undefined;
}

export function readMembers(tar: Buffer): ReadMember[] {
  const records = frameTar(tar);
  const reader = new MemberReader('test.tar');
  const members: ReadMember[] = [];
  for (let at = 0; at < records.length;) {
    const metaLength = records.readUInt32LE(at + 24);
    const isWhole = reader.read({
      bytes: records,
      header: at + 32,
      offset: records.readDoubleLE(at),
      dataOffset: records.readDoubleLE(at + 8),
      dataLength: records.readDoubleLE(at + 16),
      meta: at + 544,
      metaLength,
    });
    if (isWhole) members.push(copyOf(reader.member));
    at += 544 + Math.ceil(metaLength / 8) * 8;
  }
  return members;
}

function copyOf(member: Member): ReadMember {
  const { path, pathLength, link, linkLength, xattrs, sparse, ...rest } = member;
  return {
    ...rest,
    path: Buffer.from(path.subarray(0, pathLength)).toString('latin1'),
    link: Buffer.from(link.subarray(0, linkLength)).toString('latin1'),
    xattrs: Object.fromEntries([...(xattrs ?? [])].map(([name, value]) => [name, Buffer.from(value)])),
    sparse: sparse === undefined ? undefined : Array.from(sparse),
  };
}

/** The only member. */
export function readMember(tar: Buffer): ReadMember {
  const members = readMembers(tar);
  if (members.length !== 1) throw new Error(`${members.length} members`);
  return members[0] as ReadMember;
}
