"""Makes a random tar with Python's tarfile, and prints where its members' data lie: the oracle of both-framers.test.ts.

usage: list-tar.py SEED FORMAT FILE   FORMAT: ustar, gnu or pax
"""
import io
import json
import random
import sys
import tarfile

seed, form, path = int(sys.argv[1]), sys.argv[2], sys.argv[3]
formats = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
rng = random.Random(seed)
types = [tarfile.REGTYPE] * 5 + [
    tarfile.AREGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE,
    tarfile.CONTTYPE,
]  # fmt: skip
with tarfile.open(path, "w", format=formats[form]) as tar:
    for number in range(40):
        name = f"{number}-" + "n" * rng.choice([1, 20, 90])
        if rng.random() < 0.3:
            name = f"{'d' * 60}/{'e' * 50}/{name[:40]}"
        member = tarfile.TarInfo(name)
        member.type = rng.choice(types)
        member.mtime = rng.choice([0, 1, 1.5 if form == "pax" else 3, 2**33 - 1])
        member.uid = rng.choice([0, 1000, 2**21 - 1] + ([] if form == "ustar" else [2**31]))
        member.linkname = "0-n" if member.type in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
        data = b"x" * (rng.choice([0, 1, 511, 512, 513, 3000]) if member.isreg() else 0)
        member.size = len(data)
        if form == "pax" and rng.random() < 0.3:
            member.pax_headers = {"comment": "c" * rng.choice([1, 600])}
        tar.addfile(member, io.BytesIO(data))
with tarfile.open(path) as tar:
    print(json.dumps([[member.name, member.offset_data, member.size] for member in tar]))
