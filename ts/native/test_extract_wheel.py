import stat
import subprocess
import sys
import zipfile
from pathlib import Path

SCRIPT = Path(__file__).with_name("extract_wheel.py")


def extract(wheel: Path, into: Path) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, SCRIPT, wheel, into], capture_output=True, text=True)


def make_wheel(path: Path, names: list[str], mode: int = 0o644) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            member = zipfile.ZipInfo(name)
            member.external_attr = mode << 16
            archive.writestr(member, name)
    return path


def files(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}


def test_of_tensorflow_the_headers_and_the_two_libraries(tmp_path):
    needed = {
        "libtensorflow_cc.so.2",
        "libtensorflow_framework.so.2",
        "include/tensorflow/c/c_api.h",
        "include/a",
    }
    other = {"python/_pywrap_tfe.so", "__init__.py", "lite/a.so"}
    names = [f"tensorflow/{name}" for name in needed | other] + ["tensorflow-2.21.0.dist-info/RECORD"]
    assert extract(make_wheel(tmp_path / "a.whl", names), tmp_path / "out").returncode == 0
    assert files(tmp_path / "out" / "tensorflow") == needed
    assert files(tmp_path / "out") == {f"tensorflow/{name}" for name in needed}


def test_of_a_cuda_wheel_everything_with_its_permissions(tmp_path):
    names = ["nvidia/cuda_nvcc/bin/ptxas", "nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc"]
    assert extract(make_wheel(tmp_path / "a.whl", names, 0o755), tmp_path / "out").returncode == 0
    assert files(tmp_path / "out") == set(names)
    assert (tmp_path / "out" / names[0]).stat().st_mode & stat.S_IXUSR


def test_a_broken_wheel_is_an_error_of_one_line(tmp_path):
    wheel = tmp_path / "a.whl"
    wheel.write_bytes(b"no zip file")
    done = extract(wheel, tmp_path / "out")
    assert done.returncode == 1
    assert done.stderr == f"cannot unpack {wheel}: File is not a zip file\n"
