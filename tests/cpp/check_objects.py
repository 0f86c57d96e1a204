"""Checks what the compiler made of the kernels: `check_objects.py NM COMPILE_COMMANDS OBJECT...`.

The linker keeps one copy of an inline function or template that several files define. If one of
those files was compiled for AVX-512, that copy may be the one that every processor runs. So the
objects isa_<isa>.cpp.o may define global symbols only in the namespace of their instruction set,
and call nothing but the C library's memory functions, which also proves that kernels do not
allocate, throw or lock. Flags of an instruction set may stand on no other file.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

MAY_CALL = {"_GLOBAL_OFFSET_TABLE_", "memcpy", "memmove", "memset"}
ISA_OBJECT = re.compile(r"isa_(\w+)\.cpp\.")
ISA_FLAG = re.compile(r"\s(-m(?:arch|cpu|avx|fma|sse|f16c|prefer-vector)\S*)")


def symbol_errors(nm: str, path: Path, isa: str) -> list[str]:
    """Return what `path` defines outside the namespace of `isa`, or calls."""
    listing = subprocess.run(
        [nm, "--format=posix", str(path)], check=True, capture_output=True, text=True
    ).stdout
    own = re.compile(rf"_Z(?:Z|GV|T[ISV])?NK?8briskmlp{len(isa)}{isa}")
    errors = []
    for line in listing.splitlines():
        name, kind = line.split()[:2]
        local = kind.islower() and kind not in "uvw"
        undefined = kind in "Uw"
        if undefined and name not in MAY_CALL and not own.match(name):
            errors.append(f"{path.name} calls {name}")
        elif not (local or undefined or own.match(name)):
            errors.append(f"{path.name} defines {name} ({kind}) outside briskmlp::{isa}")
    return errors


def flag_errors(compile_commands: Path) -> list[str]:
    """Return the files with flags of an instruction set that may have none."""
    return [
        f"{entry['file']} is compiled with {match[1]}"
        for entry in json.loads(compile_commands.read_text("utf-8"))
        if not Path(entry["file"]).name.startswith("isa_")
        and (match := ISA_FLAG.search(entry["command"]))
    ]


def main(nm: str, compile_commands: str, *objects: str) -> int:
    isa_objects = [(Path(o), match[1]) for o in objects if (match := ISA_OBJECT.search(o))]
    errors = flag_errors(Path(compile_commands))
    for path, isa in isa_objects:
        errors += symbol_errors(nm, path, isa)
    print("\n".join(errors) or f"{len(isa_objects)} objects of kernels, no errors")
    return 1 if errors or not isa_objects else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
