# Lists a tar on standard input as JSON, one object a member, in order; read by Python's tarfile.
import base64, json, sys, tarfile

TYPES = {
    tarfile.REGTYPE: "file",
    tarfile.DIRTYPE: "directory",
    tarfile.SYMTYPE: "symlink",
    tarfile.LNKTYPE: "link",
    tarfile.CHRTYPE: "char",
    tarfile.BLKTYPE: "block",
    tarfile.FIFOTYPE: "fifo",
}
members = []
with tarfile.open(fileobj=sys.stdin.buffer, mode="r|", errors="surrogateescape") as archive:
    for member in archive:
        found = {
            "path": member.name,
            "type": TYPES.get(member.type, repr(member.type)),
            "mode": member.mode,
            "uid": member.uid,
            "gid": member.gid,
            "size": member.size,
            "mtime": member.mtime,
        }
        if member.linkname:
            found["link"] = member.linkname
        if member.ischr() or member.isblk():
            found["device"] = [member.devmajor, member.devminor]
        xattrs = {
            name[len("SCHILY.xattr."):]: value
            for name, value in member.pax_headers.items()
            if name.startswith("SCHILY.xattr.")
        }
        if xattrs:
            found["xattrs"] = xattrs
        if member.isreg():
            content = archive.extractfile(member).read()
            found["content"] = content.decode("latin1")
        members.append(found)
json.dump(members, sys.stdout)
