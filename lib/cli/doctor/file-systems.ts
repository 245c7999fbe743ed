/**
 * File systems by what they mean for a write-ahead log, which needs memory that all its processes share, locks that hold, and
 * syncs that reach a disk. The numbers are those of Linux's statfs(2); elsewhere they mean something else.
 */
export interface FileSystem {
  readonly name: string;
  readonly kind: 'local' | 'network' | 'user' | 'memory' | 'container';
}

const KNOWN: ReadonlyMap<number, FileSystem> = new Map<number, FileSystem>([
  [0x6969, { name: 'NFS', kind: 'network' }],
  [0x517b, { name: 'SMB', kind: 'network' }],
  [0xff534d42, { name: 'CIFS', kind: 'network' }],
  [0xfe534d42, { name: 'SMB2', kind: 'network' }],
  [0x01021997, { name: '9p', kind: 'network' }],
  [0x00c36400, { name: 'CephFS', kind: 'network' }],
  [0x5346414f, { name: 'AFS', kind: 'network' }],
  [0x6b414653, { name: 'AFS', kind: 'network' }],
  [0x73757245, { name: 'Coda', kind: 'network' }],
  [0x564c, { name: 'NCP', kind: 'network' }],
  [0x0bd00bd0, { name: 'Lustre', kind: 'network' }],
  [0x47504653, { name: 'GPFS', kind: 'network' }],
  [0x01161970, { name: 'GFS2', kind: 'network' }],
  [0x7461636f, { name: 'OCFS2', kind: 'network' }],
  [0x19830326, { name: 'BeeGFS', kind: 'network' }],
  [0x786f4256, { name: 'vboxsf', kind: 'network' }],
  [0xbacbacbc, { name: 'vmhgfs', kind: 'network' }],
  [0x65735546, { name: 'FUSE', kind: 'user' }],
  [0x01021994, { name: 'tmpfs', kind: 'memory' }],
  [0x858458f6, { name: 'ramfs', kind: 'memory' }],
  [0x794c7630, { name: 'overlayfs', kind: 'container' }],
  [0x61756673, { name: 'aufs', kind: 'container' }],
  [0xef53, { name: 'ext4', kind: 'local' }],
  [0x58465342, { name: 'XFS', kind: 'local' }],
  [0x9123683e, { name: 'Btrfs', kind: 'local' }],
  [0x2fc12fc1, { name: 'ZFS', kind: 'local' }],
  [0xf2f52010, { name: 'F2FS', kind: 'local' }],
]);

/** What has this type; a local one without a name if it is none of those that are known to be something else. */
export function fileSystemOf(type: number): FileSystem {
  // Of a signed 32-bit number too.
  return KNOWN.get(type >>> 0) ?? { name: `type 0x${(type >>> 0).toString(16)}`, kind: 'local' };
}
