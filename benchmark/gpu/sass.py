#!/usr/bin/env python3
# ===- sass.py - Machine instructions per element of GPU kernels -----------===//
#
# Part of the MLIR Dropout project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
"""Counts the instructions that a thread of a GPU kernel executes, without a GPU.

    sass.py FILE... [--elements-per-thread N] [--bytes-per-element B]
    sass.py --list LIST.csv

FILE is PTX (.ptx), a binary (.cubin), or a disassembly of nvdisasm or cuobjdump
(.sass). LIST has one kernel a line, `name,type,elements per thread,bytes per
element,file`; files are relative to the list, `file#kernel` picks one of several
kernels, no bytes stands for what the hot path moves, and lines that start with #
are skipped. --json writes all figures, --check fails on local memory or spills,
--path prints the hot path.

Tools: PTX is assembled by `ptxas -O3` for --arch; PTX for an architecture with
suffix (sm_90a) is assembled for that one. ptxas, nvdisasm and cuobjdump are
looked for in --tools, PATH, CUDA_ROOT/bin, CUDA_HOME/bin, /usr/local/cuda/bin
and an installed Triton. A ptxas that is too old for the PTX gives way to the
next one.

The hot path is found by this rule: of all ways from the kernel's entry to an
EXIT, those that write the most bytes by the widest global stores of the kernel
(128 bits, where it has such stores); of those, the one with the fewest
instructions. So code for ties of a draw, tails and slow paths of divisions is
left out as soon as there is a way around it. A kernel with a shortcut that
stores as much without drawing shows the shortcut: look at its wide multiplies.

  * A predicated instruction is issued whatever its predicate says: it counts
    as an instruction, and a predicated store as stored bytes. `@!PT` and `@!UPT`
    never hold: such a branch, exit or store does nothing, and is still issued.
  * A predicated EXIT, BRA or RET, a BRA with a predicate among its operands
    (BRA.U) and a BRA.DIV go both ways.
  * BSYNC continues where a BSSY of the same barrier that reaches it says;
    there is no other effect of BSSY, BREAK, WARPSYNC and YIELD.
  * CALL adds the shortest way from the callee to a RET, and continues behind
    the CALL; a predicated one is passed over. No way leads through a CALL of
    something outside of the kernel, or through a trap.
  * A loop's body is walked once; bytes that are stored after the first jump
    back do not count. `loop` says that the path has a jump back to it.
  * Indirect jumps (BRX, JMX) are an error.

Elements per clock and SM are the lowest of these limits of an SM of compute
capability 9.0, in lanes a clock: 128 to issue anything, 64 for integer
add, logic, shift, compare, select, and conversion, 32 for multiplies with a
64-bit result or its high half (inferred: no published figure for Hopper), 16
for special functions. `shared` is the same if other multiplies, at 64, use the
pipe of those. Nothing about latency, occupancy and caches is in these figures.
Memory needs bandwidth / (bytes per element * SMs * clock) elements, from the
full published bandwidth, which no kernel reaches: `memory` is a safe verdict.
"""

import argparse
import csv
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter, namedtuple

# Published figures: bytes a second, SMs, clocks a second.
MACHINES = {"H200": (4.80e12, 132, 1.755e9), "H100": (3.35e12, 132, 1.755e9)}
ISSUE, ALU, MULTIPLY, WIDE_MULTIPLY, SPECIAL = 128, 64, 64, 32, 16

CONVERSIONS = {"F2F", "F2FP", "F2I", "F2IP", "FRND", "I2F", "I2FP", "I2I", "I2IP"}
# What runs on the pipe for integer add and logic.
ALU_OPS = CONVERSIONS | {
    "BMSK", "BREV", "FMNMX", "FSEL", "FSET", "FSETP", "HMNMX2", "IABS", "IADD", "IADD3", "IMNMX",
    "ISETP", "LEA", "LOP", "LOP3", "MOV", "P2R", "PLOP3", "PRMT", "PSETP", "R2P", "SEL", "SGXT",
    "SHF", "SHL", "SHR", "VABSDIFF", "VABSDIFF4", "VIADD", "VIADDMNMX", "VIMNMX", "VIMNMX3"}
INDIRECT = {"BRX", "BRXU", "JMX", "JMXU", "JMP"}


class Failure(Exception):
    """An error of the input or of a tool, to be shown to the user."""


# ===----------------------------------------------------------------------===//
# Disassembly
# ===----------------------------------------------------------------------===//

class Instruction(namedtuple("Instruction", "address guard name operands")):
    """One instruction: `@!P0 LDG.E.128 R4, desc[UR8][R2.64] ;`."""

    @property
    def op(self):
        return self.name.split(".")[0]

    @property
    def modifiers(self):
        return self.name.split(".")[1:]

    @property
    def never(self):
        return self.guard in ("!PT", "!UPT")

    @property
    def conditional(self):
        return self.guard not in (None, "PT", "UPT")

    @property
    def uniform(self):
        """Whether it runs on the uniform datapath, once for a whole warp."""
        return bool(re.match(r"U[A-Z0-9]", self.op)) or self.op == "S2UR"

    @property
    def wide_multiply(self):
        return self.op == "IMAD" and self.modifiers[:1] in (["WIDE"], ["HI"])

    @property
    def conversion(self):
        # HADD2.F32 with one operand zero is how f16 becomes f32.
        return self.op in CONVERSIONS or (self.op == "HADD2" and "F32" in self.modifiers)

    @property
    def width(self):
        """Bytes that a load or store moves for one thread."""
        for modifier in self.modifiers:
            if modifier in ("256", "128", "64"):
                return int(modifier) // 8
            if modifier in ("U16", "S16", "16"):
                return 2
            if modifier in ("U8", "S8", "8"):
                return 1
        return 4

    def __str__(self):
        guard = "@%s " % self.guard if self.guard else ""
        return "/*%04x*/ %s%s %s" % (self.address, guard, self.name, self.operands)


class Code:
    """The instructions of a function, and the places that its labels name."""

    def __init__(self, name):
        self.name, self.instructions, self.labels = name, [], {}

    def place(self, instruction):
        """Index of the instruction that the last operand names, or None."""
        operand = instruction.operands.split(",")[-1].strip()
        place = None
        if label := re.fullmatch(r"`\((.*)\)", operand):
            place = self.labels.get(label.group(1))
        elif re.fullmatch(r"0x[0-9a-f]+", operand):
            place = self.labels.get(int(operand, 16))
        # A label may stand behind the last instruction.
        return place if place is not None and place < len(self.instructions) else None


INSTRUCTION = re.compile(r"\s*/\*([0-9a-f]{4,})\*/\s+(?:@(!?U?P[0-9T])\s+)?([A-Z][A-Z0-9_.]*)\s*([^;]*);")
FUNCTION = re.compile(r"\s*(?:\.section\s+\.text\.([\w$.]+)\s*,|Function : ([\w$.]+))")
LABEL = re.compile(r"\s*([.$\w]+):\s*$")


def parse(text):
    """All functions with instructions of a disassembly."""
    functions, code = [], None
    for line in text.splitlines():
        if match := FUNCTION.match(line):
            code = Code(match.group(1) or match.group(2))
            functions.append(code)
        elif code is None:
            continue
        elif match := INSTRUCTION.match(line):
            address = int(match.group(1), 16)
            code.labels[address] = len(code.instructions)
            code.instructions.append(
                Instruction(address, match.group(2), match.group(3), match.group(4).strip()))
        elif match := LABEL.match(line):
            code.labels[match.group(1)] = len(code.instructions)
    return [code for code in functions if code.instructions]


# ===----------------------------------------------------------------------===//
# The hot path
# ===----------------------------------------------------------------------===//

class Graph:
    """The control flow of a function, by index of instruction."""

    def __init__(self, code):
        self.code = code
        size = len(code.instructions)
        self.successors = [[] for _ in range(size)]
        for index in range(size):
            self.successors[index] = self.plain_successors(index)
        self.resolve_barriers()

    def target(self, index):
        instruction = self.code.instructions[index]
        place = self.code.place(instruction)
        if place is None:
            raise Failure("%s: expected a target in this function, but got '%s'"
                          % (self.code.name, instruction))
        return place

    def plain_successors(self, index):
        """Where control goes next. The barriers are not known yet: nowhere for
        BSYNC."""
        instruction = self.code.instructions[index]
        behind = [index + 1] if index + 1 < len(self.code.instructions) else []
        if instruction.never:
            return behind
        passes = behind if instruction.conditional else []
        if instruction.op in ("EXIT", "RET", "KILL", "BSYNC"):
            return passes
        if instruction.op == "BPT" and "TRAP" in instruction.modifiers:
            return passes
        if instruction.op == "BRA":
            both = instruction.conditional or "," in instruction.operands
            return [self.target(index)] + (behind if both else [])
        if instruction.op in INDIRECT:
            raise Failure("%s: expected direct branches only, but got '%s'"
                          % (self.code.name, instruction))
        if instruction.op == "WARPSYNC" and "`(" in instruction.operands:
            return behind + [self.target(index)]
        return behind

    def resolve_barriers(self):
        """Adds the successors of each BSYNC: the targets of the BSSYs of its
        barrier that reach it with no other BSSY of the barrier in between."""
        known = [None] * len(self.successors)
        known[0] = frozenset()
        work = [0]
        # Entries of callees: barriers set by the caller are not theirs to wait on.
        for index, instruction in enumerate(self.code.instructions):
            if instruction.op == "CALL" and self.code.place(instruction) is not None:
                entry = self.code.place(instruction)
                known[entry] = frozenset()
                work.append(entry)
        while work:
            index = work.pop()
            instruction, barriers = self.code.instructions[index], known[index]
            barrier = instruction.operands.split(",")[0].strip()
            if instruction.op == "BSSY":
                barriers = frozenset(b for b in barriers if b[0] != barrier)
                barriers |= {(barrier, self.target(index))}
            elif instruction.op == "BSYNC":
                for name, place in sorted(barriers):
                    if name == barrier and place not in self.successors[index]:
                        self.successors[index].append(place)
            for successor in self.successors[index]:
                joined = barriers | (known[successor] or frozenset())
                if joined != known[successor]:
                    known[successor] = joined
                    work.append(successor)

    def order(self, entry):
        """All that is reachable, successors first, and the edges that jump back."""
        done, back, state = [], set(), {entry: "open"}
        stack = [(entry, iter(self.successors[entry]))]
        while stack:
            node, rest = stack[-1]
            for successor in rest:
                if successor not in state:
                    state[successor] = "open"
                    stack.append((successor, iter(self.successors[successor])))
                    break
                if state[successor] == "open":
                    back.add((node, successor))
            else:
                state[node] = "done"
                done.append(node)
                stack.pop()
        return done, back


class HotPath:
    """The way from the entry to an EXIT, by the rule at the top of this file."""

    def __init__(self, code):
        self.code, self.graph = code, Graph(code)
        back, found, entries = set(), set(), [0]
        while entries:
            order, jumps = self.graph.order(entries.pop())
            back |= jumps
            entries += self.callees(set(order) - found)
            found |= set(order)
        self.reachable = [code.instructions[i] for i in sorted(found)]
        widths = [self.stored(i, 0) for i in self.reachable]
        self.widest = max(widths, default=0)
        indices = self.walk(0, "EXIT", self.widest, [])
        if indices is None:
            raise Failure("%s: expected a way from the entry to an EXIT, but found none" % code.name)
        self.instructions = [code.instructions[i] for i in indices]
        self.loop = any(source in indices and target in indices for source, target in back)

    def callees(self, indices):
        """Entries of the functions that these instructions call."""
        calls = [self.code.instructions[i] for i in indices]
        places = {self.code.place(call) for call in calls if call.op == "CALL"}
        return sorted(place for place in places if place is not None)

    @staticmethod
    def stored(instruction, width):
        """Bytes that a global store of this width, or of any if it is 0, writes."""
        if instruction.op != "STG" or instruction.never or width not in (0, instruction.width):
            return 0
        return instruction.width

    def walk(self, entry, end, width, callers):
        """Indices of the instructions on the best way from entry to an
        instruction `end`, with those of called functions; None if there is none."""
        if entry in callers:
            raise Failure("%s: expected no recursion, but got some" % self.code.name)
        order, back = self.graph.order(entry)
        # best[jumped back or not][node]: (-bytes, instructions, next node, called).
        best = ({}, {})
        for layer in (1, 0):
            for node in order:
                instruction = self.code.instructions[node]
                called = []
                if instruction.op == "CALL" and not instruction.conditional:
                    callee = self.code.place(instruction)
                    if callee is not None:
                        called = self.walk(callee, "RET", 0, callers + [entry])
                    if callee is None or called is None:
                        continue
                ways = []
                if instruction.op == end and not instruction.never:
                    ways.append((0, 0, None))
                for successor in self.graph.successors[node]:
                    jumps_back = (node, successor) in back
                    if jumps_back and layer == 1:
                        continue
                    rest = best[1 if jumps_back else layer].get(successor)
                    if rest:
                        ways.append((rest[0], rest[1], (1 if jumps_back else layer, successor)))
                if not ways:
                    continue
                way = min(ways, key=lambda w: w[:2])
                bytes_here = self.stored(instruction, width) if layer == 0 and width else 0
                best[layer][node] = (way[0] - bytes_here, way[1] + 1 + len(called), way[2], called)
        if entry not in best[0]:
            return None
        indices, place = [], (0, entry)
        while place:
            layer, node = place
            indices += [node] + best[layer][node][3]
            place = best[layer][node][2]
        return indices


# ===----------------------------------------------------------------------===//
# Figures
# ===----------------------------------------------------------------------===//

def count(instructions):
    """How many instructions there are of each kind."""
    def number(condition):
        return sum(1 for i in instructions if condition(i))

    def by_name(*ops):
        return dict(sorted(Counter(i.name for i in instructions if i.op in ops and not i.never).items()))

    return {
        "instructions": len(instructions),
        "wide_multiplies": number(lambda i: i.wide_multiply),
        "multiplies": number(lambda i: i.op == "IMAD" and not i.wide_multiply),
        "lop3": number(lambda i: i.op == "LOP3"),
        "alu": number(lambda i: i.op in ALU_OPS),
        "special": number(lambda i: i.op == "MUFU"),
        "uniform": number(lambda i: i.uniform),
        "conversions": number(lambda i: i.conversion),
        "loads": by_name("LD", "LDG"),
        "stores": by_name("ST", "STG"),
        "local": number(lambda i: i.op in ("LDL", "STL")),
        "global_bytes": sum(i.width for i in instructions
                            if i.op in ("LD", "LDG", "ST", "STG") and not i.never),
    }


def predict(hot, elements, bytes_per_element):
    """What the limits of an SM make of the counts."""
    limits = {"issue": (hot["instructions"], ISSUE), "ALU": (hot["alu"], ALU),
              "wide multiply": (hot["wide_multiplies"], WIDE_MULTIPLY),
              "special functions": (hot["special"], SPECIAL)}
    clocks = {name: n / lanes for name, (n, lanes) in limits.items()}
    limit = max(clocks, key=clocks.get)
    shared = hot["wide_multiplies"] / WIDE_MULTIPLY + hot["multiplies"] / MULTIPLY
    per_clock = elements / clocks[limit]
    figures = {"instructions_per_element": hot["instructions"] / elements,
               "elements_per_clock": per_clock, "limit": limit,
               "elements_per_clock_shared": elements / max(shared, clocks[limit]), "machines": {}}
    for machine, (bandwidth, sms, clock) in MACHINES.items():
        needed = bandwidth / (bytes_per_element * sms * clock)
        figures["machines"][machine] = {
            "needed": needed,
            "bound": bound(figures, needed),
            "of_bandwidth": min(1.0, per_clock / needed),
            "of_bandwidth_shared": min(1.0, figures["elements_per_clock_shared"] / needed)}
    return figures


def bound(figures, needed):
    if figures["elements_per_clock"] < needed:
        return "ALU"
    return "memory" if figures["elements_per_clock_shared"] >= needed else "ALU if shared"


def analyse(code, resources, entry):
    """All figures of one kernel."""
    path = HotPath(code)
    whole, hot = count(path.reachable), count(path.instructions)
    result = {"name": entry.name or code.name, "kernel": code.name, "type": entry.type,
              "registers": resources.get("registers"), "spills": resources.get("spills"),
              "instructions": whole["instructions"], "local": whole["local"], "hot": hot,
              "widest_store": path.widest, "loop": path.loop,
              "elements_per_thread": entry.elements, "bytes_per_element": entry.bytes}
    if entry.elements:
        if result["bytes_per_element"] is None:
            result["bytes_per_element"] = hot["global_bytes"] / entry.elements
        if result["bytes_per_element"] <= 0:
            raise Failure("%s: expected loads or stores on the hot path, but found none; "
                          "pass --bytes-per-element" % code.name)
        result.update(predict(hot, entry.elements, result["bytes_per_element"]))
    return result, path


# ===----------------------------------------------------------------------===//
# Tools
# ===----------------------------------------------------------------------===//

class Tools:
    """Finds and runs the tools of the CUDA toolkit."""

    def __init__(self, folder, arch):
        self.arch = arch
        self.versions = {}
        self.folders = [folder] if folder else os.environ.get("PATH", "").split(os.pathsep)
        if not folder:
            for variable in ("CUDA_ROOT", "CUDA_HOME"):
                if os.environ.get(variable):
                    self.folders.append(os.path.join(os.environ[variable], "bin"))
            self.folders.append("/usr/local/cuda/bin")
            triton = importlib.util.find_spec("triton")
            for place in (triton.submodule_search_locations or []) if triton else []:
                self.folders.append(os.path.join(place, "backends", "nvidia", "bin"))

    def find(self, *names):
        """Paths of all tools of these names, the best first."""
        paths = [shutil.which(name, path=folder) for folder in self.folders if folder
                 for name in names]
        return list(dict.fromkeys(path for path in paths if path))

    def run(self, path, *arguments):
        if path not in self.versions:
            banner = subprocess.run([path, "--version"], capture_output=True, text=True).stdout
            version = re.search(r"V(\d+\.\d+\.\d+)", banner)
            self.versions[path] = version.group(1) if version else "unknown"
        return subprocess.run([path, *arguments], capture_output=True, text=True)

    def describe(self):
        """Tools that were run: name and version."""
        return {os.path.basename(path): version for path, version in sorted(self.versions.items())}

    def assemble(self, ptx, folder):
        """A binary of this PTX, and the resources of its kernels."""
        with open(ptx, encoding="utf-8", errors="replace") as file:
            target = re.search(r"^\.target\s+(sm_\w+)", file.read(), re.MULTILINE)
        if not target:
            raise Failure("%s: expected PTX with a .target" % ptx)
        arch = target.group(1) if target.group(1)[-1].isalpha() else self.arch
        binary = os.path.join(folder, "kernel.cubin")
        errors = []
        for ptxas in self.find("ptxas", "ptxas-blackwell"):
            done = self.run(ptxas, "-arch=" + arch, "-O3", "-v", ptx, "-o", binary)
            if done.returncode == 0:
                return binary, self.ptxas_resources(done.stderr + done.stdout)
            errors.append((done.stderr or done.stdout).strip())
            del self.versions[ptxas]
            if "Unsupported .version" not in errors[-1]:
                break
        raise Failure("%s: %s" % (ptx, errors[-1] if errors else "expected ptxas in PATH, "
                                  "CUDA_ROOT, CUDA_HOME or /usr/local/cuda, but found none"))

    @staticmethod
    def ptxas_resources(text):
        resources, name = {}, None
        for line in text.splitlines():
            if match := re.search(r"Function properties for (\S+)|Compiling entry function '(\S+)'",
                                  line):
                name = match.group(1) or match.group(2)
                resources.setdefault(name, {})
            elif name and (match := re.search(r"(\d+) bytes spill stores, (\d+) bytes spill loads",
                                              line)):
                resources[name]["spills"] = int(match.group(1)) + int(match.group(2))
            elif name and (match := re.search(r"Used (\d+) registers", line)):
                resources[name]["registers"] = int(match.group(1))
        return resources

    def binary_resources(self, binary):
        """Registers of a binary's kernels. It does not say what is spilled: that
        shows as instructions for local memory."""
        resources = {}
        for cuobjdump in self.find("cuobjdump")[:1]:
            text = self.run(cuobjdump, "-res-usage", binary).stdout
            for match in re.finditer(r"Function (\S+):\s+REG:(\d+)", text):
                resources[match.group(1)] = {"registers": int(match.group(2))}
        return resources

    @staticmethod
    def assembler(binary):
        """The version of the ptxas that made a binary; it is written there."""
        with open(binary, "rb") as file:
            found = re.search(rb"Cuda compilation tools, release [\d.]+, V([\d.]+)", file.read())
        return found.group(1).decode() if found else None

    def disassemble(self, binary):
        for tool in self.find("nvdisasm", "cuobjdump"):
            flags = ["-c"] if os.path.basename(tool) == "nvdisasm" else ["-sass"]
            done = self.run(tool, *flags, binary)
            if done.returncode != 0:
                raise Failure("%s: %s" % (binary, (done.stderr or done.stdout).strip()))
            return done.stdout
        raise Failure("expected nvdisasm or cuobjdump in PATH, CUDA_ROOT, CUDA_HOME, "
                      "/usr/local/cuda or an installed Triton, but found none")

    def read(self, path):
        """The text of all functions of a file, the resources that they take, and
        the version of the ptxas that made them, where it is known."""
        if not os.path.isfile(path):
            raise Failure("%s: no such file" % path)
        suffix = os.path.splitext(path)[1]
        if suffix == ".sass":
            with open(path, encoding="utf-8", errors="replace") as file:
                return file.read(), {}, None
        if suffix == ".cubin":
            return self.disassemble(path), self.binary_resources(path), self.assembler(path)
        if suffix == ".ptx":
            with tempfile.TemporaryDirectory() as folder:
                binary, resources = self.assemble(path, folder)
                return self.disassemble(binary), resources, self.assembler(binary)
        raise Failure("%s: expected a .ptx, .cubin or .sass file" % path)


# ===----------------------------------------------------------------------===//
# Command line
# ===----------------------------------------------------------------------===//

Entry = namedtuple("Entry", "name type elements bytes path kernel")


def positive(text, kind):
    try:
        value = kind(text)
    except ValueError:
        value = 0
    if not 0 < value < 1 << 20:
        raise argparse.ArgumentTypeError("expected a positive number, but got '%s'" % text)
    return value


def read_list(path):
    entries = []
    try:
        with open(path, newline="", encoding="utf-8") as file:
            for number, row in enumerate(csv.reader(file), 1):
                if not row or row[0].startswith("#"):
                    continue
                if len(row) != 5:
                    raise Failure("%s:%d: expected 5 fields, but got %d" % (path, number, len(row)))
                name, type_name, elements, size, place = (field.strip() for field in row)
                place, _, kernel = place.partition("#")
                try:
                    entries.append(Entry(name, type_name, positive(elements, int),
                                         positive(size, float) if size else None,
                                         os.path.join(os.path.dirname(path), place), kernel))
                except argparse.ArgumentTypeError as error:
                    raise Failure("%s:%d: %s" % (path, number, error)) from None
    except OSError as error:
        raise Failure("%s: %s" % (path, error.strerror)) from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise Failure("%s: expected a list of kernels: %s" % (path, error)) from None
    if not entries:
        raise Failure("%s: expected a kernel or more, but got none" % path)
    return entries


def moves(counts):
    return " ".join("%s x%d" % (name, n) if n > 1 else name for name, n in counts.items()) or "-"


def show(results):
    """The figures as text, one block a kernel."""
    for r in results:
        hot = r["hot"]
        print("%s%s" % (r["name"], " " + r["type"] if r["type"] else ""))
        print("  registers %s, spilled bytes %s, instructions %d, on the hot path %d%s" % (
            "-" if r["registers"] is None else r["registers"],
            "-" if r["spills"] is None else r["spills"], r["instructions"], hot["instructions"],
            ", with a loop" if r["loop"] else ""))
        print("  wide multiplies %d, other multiplies %d, LOP3 %d, ALU %d, uniform %d, "
              "conversions %d, special %d, local memory %d" % (
                  hot["wide_multiplies"], hot["multiplies"], hot["lop3"], hot["alu"],
                  hot["uniform"], hot["conversions"], hot["special"], r["local"]))
        print("  loads %s; stores %s" % (moves(hot["loads"]), moves(hot["stores"])))
        if "machines" in r:
            print("  %d elements a thread, %.1f instructions an element, %.2f elements a clock "
                  "and SM (%s), %.2f if multiplies share a pipe" % (
                      r["elements_per_thread"], r["instructions_per_element"],
                      r["elements_per_clock"], r["limit"], r["elements_per_clock_shared"]))
            for machine, m in r["machines"].items():
                print("  %s: memory needs %.2f at %g bytes an element: bound by %s" % (
                    machine, m["needed"], r["bytes_per_element"], m["bound"]))


def run(arguments):
    if bool(arguments.files) == bool(arguments.list):
        raise Failure("expected either files or --list")
    entries = read_list(arguments.list) if arguments.list else [
        Entry(None, None, arguments.elements_per_thread, arguments.bytes_per_element, path, None)
        for path in arguments.files]
    tools = Tools(arguments.tools, arguments.arch)
    results, paths, texts = [], [], {}
    for entry in entries:
        if entry.path not in texts:
            texts[entry.path] = tools.read(entry.path)
        text, resources, ptxas = texts[entry.path]
        functions = [code for code in parse(text) if entry.kernel in (None, "", code.name)]
        if not functions:
            raise Failure("%s: expected a kernel%s, but found none" % (
                entry.path, " '%s'" % entry.kernel if entry.kernel else ""))
        if entry.name and len(functions) != 1:
            raise Failure("%s: expected one kernel, but got %d" % (entry.path, len(functions)))
        for code in functions:
            result, path = analyse(code, resources.get(code.name, {}), entry)
            results.append(dict(result, ptxas=ptxas))
            paths.append(path)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump({"arch": arguments.arch, "tools": tools.describe(), "kernels": results}, file,
                      indent=1)
            file.write("\n")
    show(results)
    if arguments.path:
        for path in paths:
            print("hot path of %s" % path.code.name)
            for instruction in path.instructions:
                print("  " + str(instruction))
    if arguments.check:
        for r in results:
            if r["local"] or r["spills"]:
                raise Failure("%s: expected no local memory and no spills, but got %d instructions "
                              "and %d bytes" % (r["name"], r["local"], r["spills"] or 0))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0],
                                     epilog="The rule of the hot path stands in this file.")
    parser.add_argument("files", nargs="*", metavar="FILE", help=".ptx, .cubin or .sass")
    parser.add_argument("--list", metavar="CSV", help="kernels with their names and sizes")
    parser.add_argument("--elements-per-thread", metavar="N", type=lambda t: positive(t, int),
                        help="elements that a thread handles on the hot path")
    parser.add_argument("--bytes-per-element", metavar="B", type=lambda t: positive(t, float),
                        help="bytes read and written (default: what the hot path moves)")
    parser.add_argument("--arch", default="sm_90", help="architecture for ptxas (%(default)s)")
    parser.add_argument("--tools", metavar="DIR", help="folder of ptxas and nvdisasm")
    parser.add_argument("--json", metavar="FILE", help="write all figures")
    parser.add_argument("--path", action="store_true", help="print the hot path")
    parser.add_argument("--check", action="store_true", help="fail on local memory and spills")
    try:
        run(parser.parse_args())
    except (Failure, OSError) as error:
        sys.exit("sass.py: error: %s" % error)


if __name__ == "__main__":
    main()
