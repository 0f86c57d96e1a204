"""What compilers made of the kernels: the inner loops of an object file, by `objdump`.

    python benchmarks/inner_loops.py isa_avx512.cpp.o --only tile

A loop counts as inner when no other lies within it; of each function the one with the largest share
of full-width vector instructions is shown. "Read" and "written" are vectors on the stack: a loop
that only reads them has more constants than registers, one that writes them spills.
"""

from __future__ import annotations

import argparse
import re
import subprocess
from typing import NamedTuple

FUNCTION = re.compile(r"^[0-9a-f]+ <(.*)>:$")
INSTRUCTION = re.compile(r"^ *([0-9a-f]+):\t(\S+) *(.*)$")
FMA = re.compile(r"vfn?m(add|sub)")
HEADINGS = ("instr.", "FMAs", "read", "written", "gathers", "calls", "divides")


class Instruction(NamedTuple):
    address: int
    name: str
    operands: str

    @property
    def target(self) -> int | None:
        """Where a jump leads."""
        match = re.match(r"[0-9a-f]+", self.operands)
        return int(match[0], 16) if self.name.startswith("j") and match else None


def functions(path: str) -> dict[str, list[Instruction]]:
    command = ["objdump", "-d", "-C", "--no-show-raw-insn", path]
    found: dict[str, list[Instruction]] = {}
    body: list[Instruction] = []
    for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.split(
        "\n"
    ):
        if match := FUNCTION.match(line):
            name = re.sub(
                r"briskmlp::|avx\w+::|\(anonymous namespace\)::|^(void|double) ", "", match[1]
            )
            body = found.setdefault(re.sub(r"\((long|int|Tile|Gemm).*", "", name), [])
        elif match := INSTRUCTION.match(line):
            body.append(Instruction(int(match[1], 16), match[2], match[3]))
    return found


def inner_loops(body: list[Instruction]) -> list[list[Instruction]]:
    place = {instruction.address: i for i, instruction in enumerate(body)}
    spans = {
        (place[i.target], end)
        for end, i in enumerate(body)
        if i.target in place and place[i.target] <= end
    }
    return [
        body[first : end + 1]
        for first, end in spans
        if not any(s != (first, end) and first <= s[0] and s[1] <= end for s in spans)
    ]


def count(loop: list[Instruction], width: str, stack: re.Pattern[str]) -> tuple[int, ...]:
    on_stack = [i for i in loop if "mm" in i.operands and stack.search(i.operands)]
    written = [i for i in on_stack if i.name.startswith("vmov") and i.operands.endswith(")")]
    return (
        len(loop),
        sum(1 for i in loop if FMA.match(i.name) and width in i.operands),
        len(on_stack) - len(written),
        len(written),
        sum(1 for i in loop if "gather" in i.name or "scatter" in i.name),
        sum(1 for i in loop if i.name == "call"),
        sum(1 for i in loop if re.match("vdiv|vsqrt", i.name)),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("object", help="of a file isa_<isa>.cpp")
    parser.add_argument("--only", default="", help="functions whose name has this (a regex)")
    options = parser.parse_args()
    bodies = functions(options.object)
    code = " ".join(i.operands for body in bodies.values() for i in body)
    width = next(register for register in ("zmm", "ymm", "xmm") if register in code)
    print("".join(f"{heading:>8}" for heading in HEADINGS), " function")
    for name, body in sorted(bodies.items()):
        framed = any(i.operands == "%rsp,%rbp" for i in body[:12])
        stack = re.compile(r"\(%r[sb]p" if framed else r"\(%rsp")
        shares = [
            (sum(1 for i in loop if width in i.operands) / len(loop), loop)
            for loop in inner_loops(body)
        ]
        share, loop = max(shares, default=(0.0, []), key=lambda pair: pair[0])
        if share > 0 and re.search(options.only, name):
            print("".join(f"{n:>8}" for n in count(loop, width, stack)), f" {name}")


if __name__ == "__main__":
    main()
