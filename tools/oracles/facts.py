# Writes what drgn knows of a dump as JSON to standard output: every task with its stack, the modules, the kernel's log,
# and some facts of the whole. Addresses are strings ("0x..."), since they do not fit a JSON number.
# usage: python3 facts.py VMCORE VMLINUX [MODULE.ko ...]
# Runs inside the oracle chroot, under drgn's own Python.
import json
import random
import sys

import drgn
import drgn.helpers.linux.slab as slab
from drgn.helpers.linux.cpumask import for_each_online_cpu, for_each_possible_cpu
from drgn.helpers.linux.mm import (
    PageSlab,
    compound_head,
    find_vmap_area,
    for_each_page,
    for_each_vmap_area,
    page_to_virt,
    totalram_pages,
)
from drgn.helpers.linux.module import for_each_module
from drgn.helpers.linux.percpu import per_cpu
from drgn.helpers.linux.pid import for_each_task
from drgn.helpers.linux.printk import get_printk_records
from drgn.helpers.linux.sched import idle_task, task_cpu, task_state_to_char

# Past user mode drgn's chains run on into junk, so a stack is cut somewhere.
MAX_FRAMES = 200


def address(value):
    return f"{int(value):#x}"


def attempt(function):
    """The value, or None where drgn does not know it."""
    try:
        return function()
    except (LookupError, drgn.FaultError, ValueError, AttributeError):
        return None


def text(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def local_facts(frame, name):
    """A number, the address of what is larger, or that drgn does not know it."""
    try:
        value = frame[name]
        if value.absent_:
            return {"name": name, "kind": "absent"}
        type_ = value.type_
        while type_.kind == drgn.TypeKind.TYPEDEF:
            type_ = type_.type
        if type_.kind in (
            drgn.TypeKind.INT,
            drgn.TypeKind.BOOL,
            drgn.TypeKind.ENUM,
            drgn.TypeKind.POINTER,
        ):
            return {"name": name, "kind": "number", "value": str(int(value.value_()))}
        place = value.address_
        return {"name": name, "kind": "object", "value": None if place is None else address(place)}
    except (LookupError, drgn.FaultError, ValueError, AttributeError, NotImplementedError, TypeError) as error:
        return {"name": name, "kind": "error", "value": f"{type(error).__name__}: {error}"}


def frame_facts(frame):
    pc = attempt(lambda: frame.pc)
    symbol = attempt(frame.symbol)
    source = attempt(frame.source)
    return {
        "pc": None if pc is None else address(pc),
        "sp": attempt(lambda: address(frame.sp)),
        "name": attempt(lambda: frame.name),
        "function": attempt(lambda: frame.function_name),
        "symbol": None if symbol is None else symbol.name,
        "symbolAddress": None if symbol is None else address(symbol.address),
        "inlined": frame.is_inline,
        "interrupted": frame.interrupted,
        "file": None if source is None else source[0],
        "line": None if source is None else source[1],
        "column": None if source is None else source[2],
        "locals": [local_facts(frame, name) for name in attempt(frame.locals) or []],
    }


def stack_facts(prog, task):
    try:
        trace = prog.stack_trace(task)
    except (LookupError, drgn.FaultError, ValueError) as error:
        return {"frames": [], "error": str(error)}
    return {"frames": [frame_facts(trace[i]) for i in range(min(len(trace), MAX_FRAMES))]}


def mm_facts(task):
    mm = task.mm
    if not mm:
        return None
    return {
        "address": address(mm),
        "pgd": address(mm.pgd),
        "startCode": address(mm.start_code),
        "startStack": address(mm.start_stack),
    }


def task_facts(prog, task, current):
    return {
        "task": address(task),
        "pid": int(task.pid),
        "tgid": int(task.tgid),
        "ppid": int(task.real_parent.tgid),
        "comm": text(task.comm.string_()),
        "cpu": int(task_cpu(task)),
        "state": task_state_to_char(task),
        "onCpu": int(task) in current,
        "stack": address(task.stack),
        "mm": attempt(lambda: mm_facts(task)),
        **stack_facts(prog, task),
    }


def current_tasks(prog):
    """The task that each CPU runs, whatever holds it on this kernel."""
    current = {}
    for cpu in for_each_possible_cpu(prog):
        task = attempt(lambda: per_cpu(prog["current_task"], cpu))
        if task is None:
            task = attempt(lambda: per_cpu(prog["pcpu_hot"], cpu).current_task)
        if task is not None:
            current[int(task)] = cpu
    return current


def module_facts(prog, module):
    def base():
        for member in ("core_layout", "mem"):
            if prog.type("struct module").has_member(member):
                layout = module.member_(member)
                return address((layout[0] if member == "mem" else layout).base)
        return None

    return {"name": text(module.name.string_()), "module": address(module), "base": attempt(base)}


def record_facts(record):
    return {
        "text": text(record.text),
        "facility": record.facility,
        "level": record.level,
        "sequence": record.seq,
        "timestampNs": record.timestamp,
        "callerTid": record.caller_tid,
        "callerCpu": record.caller_cpu,
        "continuation": record.continuation,
    }


def struct_facts(prog):
    names = ("task_struct", "mm_struct", "module", "page", "file", "inode", "list_head", "pt_regs", "rq")
    facts = {}
    for name in names:
        type_ = attempt(lambda: prog.type(f"struct {name}"))
        if type_ is not None:
            members = {m.name: m.bit_offset for m in type_.members if m.name is not None}
            facts[name] = {"size": type_.size, "bitOffsets": members}
    return facts


def vmcoreinfo_facts(prog):
    lines = text(attempt(lambda: prog["VMCOREINFO"].string_()) or b"").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


# After a panic only one CPU is left online, but the free objects that the others kept are free all the same.
slab.for_each_online_cpu = for_each_possible_cpu

SLABS_PER_CACHE = 4
ADDRESSES_PER_SLAB = 4


def slab_object_facts(prog, at):
    info = slab.slab_object_info(prog, at)
    if info is None:
        return None
    return {
        "address": address(at),
        "cache": text(info.slab_cache.name.string_()),
        "object": address(info.address),
        "slab": address(info.slab),
        "allocated": info.allocated,
    }


def slab_facts(prog):
    """Every cache, and what some addresses in slabs of each are."""
    pages = {}
    tails = 0
    for page in for_each_page(prog):
        if attempt(lambda: PageSlab(page)):
            pages.setdefault(int(drgn.cast(slab._get_slab_type(prog), page).slab_cache), []).append(page)
        elif attempt(lambda: PageSlab(compound_head(page))):
            tails += 1
    choice = random.Random(1)
    objects = []
    for heads in pages.values():
        for page in choice.sample(heads, min(SLABS_PER_CACHE, len(heads))):
            start = int(page_to_virt(page))
            described = drgn.cast(slab._get_slab_type(prog), page)
            length = int(described.objects) * int(described.slab_cache.size)
            for _ in range(ADDRESSES_PER_SLAB):
                objects.append(attempt(lambda: slab_object_facts(prog, start + choice.randrange(length))))
    return {
        "caches": [
            {
                "address": address(cache),
                "name": text(cache.name.string_()),
                "size": int(cache.size),
                "objectSize": int(cache.object_size),
                "merged": slab.slab_cache_is_merged(cache),
                "usage": attempt(lambda: slab.slab_cache_usage(cache)._asdict()),
            }
            for cache in slab.for_each_slab_cache(prog)
        ],
        "aliases": slab.get_slab_cache_aliases(prog),
        "heads": sum(len(heads) for heads in pages.values()),
        "tails": tails,
        "objects": [facts for facts in objects if facts is not None],
    }


def vmap_facts(prog):
    facts = []
    for area in for_each_vmap_area(prog):
        start = int(area.va_start)
        vm = area.vm
        facts.append(
            {
                "address": address(area),
                "start": address(start),
                "end": address(area.va_end),
                "vm": address(vm),
                "caller": attempt(lambda: address(vm.caller)),
                "pages": attempt(lambda: int(vm.nr_pages)),
                "found": address(find_vmap_area(prog, start + 1)),
            }
        )
    return facts


# Objects whose every number is compared: the C expression, and how drgn reaches it.
OBJECTS = {
    "init_task": lambda prog: prog["init_task"],
    "init_mm": lambda prog: prog["init_mm"],
    "init_cred": lambda prog: prog["init_cred"],
    "init_uts_ns": lambda prog: prog["init_uts_ns"],
    "*init_task.signal": lambda prog: prog["init_task"].signal[0],
    "nfs_file_operations": lambda prog: prog["nfs_file_operations"],
    "runqueues:0": lambda prog: per_cpu(prog["runqueues"], 0),
    "*container_of(init_task.tasks.next, struct task_struct, tasks)": lambda prog: drgn.container_of(
        prog["init_task"].tasks.next, "struct task_struct", "tasks"
    )[0],
}
MOST_ELEMENTS = 256


def numbers_in(path, value, numbers):
    """Every integer, enum and pointer of a value by its path, as unsigned 64-bit text where it is no negative number."""
    kind = value.type_
    while kind.kind == drgn.TypeKind.TYPEDEF:
        kind = kind.type
    if kind.kind in (drgn.TypeKind.STRUCT, drgn.TypeKind.UNION):
        for index, member in enumerate(kind.members or ()):
            inner = value.member_(member.name) if member.name else None
            if inner is None:
                place = member.bit_offset // 8
                inner = drgn.Object(value.prog_, member.type, address=value.address_ + place)
            numbers_in(f"{path}.{member.name or f'#{index}'}", inner, numbers)
    elif kind.kind == drgn.TypeKind.ARRAY:
        for index in range(min(kind.length or 0, MOST_ELEMENTS)):
            numbers_in(f"{path}[{index}]", value[index], numbers)
    elif kind.kind in (drgn.TypeKind.INT, drgn.TypeKind.BOOL, drgn.TypeKind.ENUM, drgn.TypeKind.POINTER):
        numbers[path] = str(int(value.value_()))


def object_facts(prog, reach):
    numbers = {}
    numbers_in("", reach(prog), numbers)
    return numbers


def main(vmcore, *debug_files):
    prog = drgn.Program()
    prog.set_core_dump(vmcore)
    # Only the files given count, not those that may be found elsewhere.
    prog.set_enabled_debug_info_finders([])
    prog.load_debug_info(debug_files)
    drgn.set_default_prog(prog)

    current = current_tasks(prog)
    tasks = {int(task): task for task in for_each_task(prog)}
    for cpu in for_each_possible_cpu(prog):
        idle = attempt(lambda: idle_task(prog, cpu))
        if idle is not None:
            tasks[int(idle)] = idle
    facts = {
        "drgn": drgn.__version__,
        "vmcoreinfo": vmcoreinfo_facts(prog),
        "stext": attempt(lambda: address(prog.symbol("_stext").address)),
        "linuxBanner": attempt(lambda: address(prog.symbol("linux_banner").address)),
        "initTask": address(prog["init_task"].address_of_()),
        "release": text(prog["init_uts_ns"].name.release.string_()),
        "jiffies": int(prog["jiffies"]),
        "onlineCpus": list(for_each_online_cpu(prog)),
        "possibleCpus": list(for_each_possible_cpu(prog)),
        "totalRamPages": attempt(lambda: int(totalram_pages(prog))),
        "structs": struct_facts(prog),
        "objects": {name: attempt(lambda: object_facts(prog, reach)) for name, reach in OBJECTS.items()},
        "modules": [module_facts(prog, module) for module in for_each_module(prog)],
        "slab": slab_facts(prog),
        "vmapAreas": vmap_facts(prog),
        "log": [record_facts(record) for record in get_printk_records(prog)],
        "tasks": [task_facts(prog, task, current) for task in tasks.values()],
    }
    json.dump(facts, sys.stdout)


main(*sys.argv[1:])
