"""Unpacks what the addon needs of a wheel: `python extract_wheel.py WHEEL INTO`.

Of TensorFlow itself that is the headers and the two libraries (1.1 of 1.4 GB); of a CUDA wheel everything.
"""

import os
import sys
import zipfile

TENSORFLOW_NEEDS = (
    "tensorflow/include/",
    "tensorflow/libtensorflow_cc.so.2",
    "tensorflow/libtensorflow_framework.so.2",
)


def is_needed(name: str) -> bool:
    return not name.startswith("tensorflow") or name.startswith(TENSORFLOW_NEEDS)


def extract(wheel: str, into: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            if is_needed(member.filename):
                path = archive.extract(member, into)
                # zipfile drops the permissions, and the CUDA wheels hold programs.
                mode = member.external_attr >> 16 & 0o777
                if mode and not member.is_dir():
                    os.chmod(path, mode)


if __name__ == "__main__":
    try:
        extract(sys.argv[1], sys.argv[2])
    except (OSError, zipfile.BadZipFile) as error:
        sys.exit(f"cannot unpack {sys.argv[1]}: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
