"""Checks what a wheel is made of: `check_wheel.py WHEEL`.

Nothing but the package, with its types; stripped; at most 3 MB; no library beside those that every
Linux with Python has; and no symbol newer than manylinux_2_34.
"""

from __future__ import annotations

import platform
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

MOST_BYTES = 3_000_000
FILES = {"briskmlp/py.typed", "briskmlp/_briskmlp_core.pyi"}
LIBRARIES = re.compile(r"lib(c|m|pthread|stdc\+\+|gcc_s)\.so\.\d+|ld-linux[-\w]*\.so\.\d+")
NEWEST_TAG = (2, 34)  # of manylinux: the C library that the extension asks for


def content_errors(wheel: Path) -> list[str]:
    """Return what the archive has too much or too little of."""
    names = zipfile.ZipFile(wheel).namelist()
    errors = [
        f"{n} is no part of it" for n in names if not n.startswith(("briskmlp/", "briskmlp-"))
    ]
    errors += [f"{name} is missing" for name in sorted(FILES - set(names))]
    if wheel.stat().st_size > MOST_BYTES:
        errors.append(f"has {wheel.stat().st_size:,} bytes, at most {MOST_BYTES:,}")
    return errors


def elf_errors(extension: Path) -> list[str]:
    """Return what a shared library of Linux needs or carries and should not."""

    def readelf(option: str) -> str:
        command = ["readelf", "--wide", option, str(extension)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", readelf("--dynamic"))
    errors = [f"needs {name}" for name in needed if not LIBRARIES.fullmatch(name)]
    if ".debug_info" in (sections := readelf("--sections")) or ".symtab" in sections:
        errors.append("is not stripped")
    versions = {
        (int(a), int(b)) for a, b in re.findall(r"GLIBC_(\d+)\.(\d+)", readelf("--version-info"))
    }
    print(f"needs {', '.join(needed)}; glibc {'.'.join(map(str, max(versions)))}")
    if max(versions) > NEWEST_TAG:
        errors.append(f"asks for glibc {max(versions)}, at most {NEWEST_TAG}")
    return errors


def main(wheel: str) -> int:
    errors = content_errors(Path(wheel))
    if platform.system() == "Linux":
        with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name.endswith(".so"):
                    errors += elf_errors(Path(archive.extract(name, folder)))
    print(
        "\n".join(errors) or f"{Path(wheel).name}: {Path(wheel).stat().st_size:,} bytes, no errors"
    )
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
