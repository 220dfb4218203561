"""An ARM machine in a folder: QEMU's user mode runs Debian's Python for aarch64, as it is.

Nothing is installed. The folder gets Debian 12's Python 3.11 with its libraries, and the aarch64
wheels of LiteRT, NumPy and Pillow in the versions of this environment: 90 MB of downloads.
"""

import dataclasses
import importlib.metadata
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
SCRIPTS = HERE.parents[2] / "recipes" / "device"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
PROGRAMS = {
    "qemu-aarch64": "apt-get install qemu-user",
    "apt-get": "a Debian system",
    "dpkg": "a Debian system",
}
DEBIAN = ("python3.11-minimal", "libpython3.11-stdlib", "libstdc++6")
WHEELS = ("ai-edge-litert", "numpy", "pillow")
GLIBC = ("manylinux2014", *(f"manylinux_2_{minor}" for minor in (17, 24, 26, 27, 28, 31, 34, 35)))


@dataclasses.dataclass(frozen=True)
class Processor:
    """A processor as QEMU and `/proc/cpuinfo` describe it.

    Attributes:
        model: QEMU's `-cpu`, which decides about the instructions.
        part: the part number, by which XNNPACK knows cores.
        has: what matters to XNNPACK, and a device with such a core.
    """

    model: str
    part: str
    has: str


PROCESSORS = {
    "cortex-a72": Processor("cortex-a72", "0xd08", "NEON (Raspberry Pi 4)"),
    "cortex-a76": Processor("cortex-a76", "0xd0b", "NEON, dotprod (Raspberry Pi 5)"),
    # Without SVE and SME: QEMU 7.2 computes wrong int8 products with SME; QEMU 10.0 is right.
    "i8mm": Processor("max,sve=off,sme=off", "0xd47", "NEON, dotprod, i8mm (phones since 2022)"),
}
CPUINFO = """processor\t: 0
BogoMIPS\t: 100.00
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: {part}
CPU revision\t: 3

"""
# One core. LiteRT crashes in what an x86 machine says about its processor.
SYSTEM = {
    "possible": "0",
    "present": "0",
    "online": "0",
    "cpu0/topology/physical_package_id": "0",
    "cpu0/topology/cluster_cpus_list": "0",
    "cpu0/cache/index2/level": "2",
    "cpu0/cache/index2/size": "512K",
    "cpu0/cache/index2/shared_cpu_list": "0",
}


def prepare(folder: Path) -> None:
    """Fetches and unpacks what the machine needs, unless the folder has it.

    Raises:
        SystemExit: if a program is missing.
        subprocess.CalledProcessError: if a download fails.
    """
    absent = [f"{name} ({hint})" for name, hint in PROGRAMS.items() if not shutil.which(name)]
    if not KEYRING.is_file():
        absent.append(f"{KEYRING} (apt-get install debian-archive-keyring)")
    if absent:
        sys.exit(f"The ARM machine needs {', '.join(absent)}")
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "debian" / "complete").exists():
        _unpack_debian(folder)
    if not (folder / "wheels" / "complete").exists():
        _unpack_wheels(folder)
    for name, processor in PROCESSORS.items():
        _write_root(folder, name, processor)


def command(folder: Path, name: str, arguments: list, plugin: Path | None = None) -> list[str]:
    """The command that runs Python with the arguments on a processor of `PROCESSORS`."""
    root = folder / name
    paths = os.pathsep.join(str(path) for path in (folder / "wheels", SCRIPTS))
    return [
        "qemu-aarch64",
        *("-L", str(root)),
        *("-cpu", PROCESSORS[name].model),
        *("-E", f"PYTHONPATH={paths}", "-E", "PYTHONHASHSEED=0", "-E", "PYTHONNOUSERSITE=1"),
        *(("-plugin", str(plugin)) if plugin else ()),
        str(root / "usr/bin/python3.11"),
        *map(str, arguments),
    ]


def build_plugin(folder: Path) -> Path:
    """Compiles the counter of instructions.

    Raises:
        SystemExit: if there is no C compiler, or QEMU takes no plugins.
    """
    compiler = shutil.which("cc") or sys.exit("Counting needs a C compiler (apt-get install gcc)")
    options = subprocess.run(["qemu-aarch64", "-help"], stdout=subprocess.PIPE, check=True).stdout
    if b"-plugin" not in options:
        sys.exit(
            "Counting needs a QEMU with plugins, such as qemu-user of Debian 12. "
            "The static builds, e.g. of Debian 13, have none."
        )
    plugin = folder / "count.so"
    flags = ["-O2", "-shared", "-fPIC"]
    subprocess.run([compiler, *flags, "-o", plugin, HERE / "count.c"], check=True)
    return plugin


def _unpack_debian(folder):
    """Debian's own tools resolve the dependencies, with state and cache in the folder."""
    state = folder / "apt"
    for each in ("lists/partial", "archives/partial"):
        (state / each).mkdir(parents=True, exist_ok=True)
    (state / "status").touch()
    (state / "sources.list").write_text(
        f"deb [arch=arm64 signed-by={KEYRING}] http://deb.debian.org/debian bookworm main\n"
    )
    options = {
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "APT::Install-Recommends": "0",
        "APT::Sandbox::User": "",  # the user of apt cannot write here
        "Dir::Cache::archives": state / "archives",
        "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "",
        "Dir::Etc::sourcelist": state / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": state / "lists",
        "Dir::State::status": state / "status",
    }
    flags = [part for key, value in options.items() for part in ("-o", f"{key}={value}")]
    subprocess.run(["apt-get", *flags, "-qq", "update"], check=True)
    install = ["install", "--download-only", "-y", "-qq"]
    subprocess.run(["apt-get", *flags, *install, *DEBIAN], check=True, stdout=subprocess.DEVNULL)
    root = folder / "debian"
    for package in sorted((state / "archives").glob("*.deb")):
        subprocess.run(["dpkg", "-x", package, root], check=True)
    shutil.rmtree(state)
    (root / "complete").touch()


def _unpack_wheels(folder):
    downloads, site = folder / "downloads", folder / "wheels"
    pins = [f"{name}=={importlib.metadata.version(name)}" for name in WHEELS]
    platforms = [part for tag in GLIBC for part in ("--platform", f"{tag}_aarch64")]
    flags = ["--only-binary=:all:", "--no-deps", "--python-version", "311", "-q"]
    download = [sys.executable, "-m", "pip", "download", *flags, *platforms, "-d", downloads]
    subprocess.run([*download, *pins], check=True)
    for wheel in downloads.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
    shutil.rmtree(downloads)
    (site / "complete").touch()


def _write_root(folder, name, processor):
    """A view of Debian's files with the processor's description; QEMU looks here first."""
    root = folder / name
    for each in ("usr", "lib", "etc"):
        link = root / each
        link.parent.mkdir(exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(Path("..", "debian", each))
    files = {f"sys/devices/system/cpu/{path}": f"{text}\n" for path, text in SYSTEM.items()}
    for path, text in {**files, "proc/cpuinfo": CPUINFO.format(part=processor.part)}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
