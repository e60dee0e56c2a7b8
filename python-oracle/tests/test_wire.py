"""Reading messages: limits that a test cannot reach with a real socket in little time."""

from typing import Any

import pytest

from torch_oracle import limits
from torch_oracle.errors import OracleError
from torch_oracle.packing import pack
from torch_oracle.wire import Run, read_header, read_request


def code(frames: list[bytes]) -> str:
    with pytest.raises(OracleError) as caught:
        read_request(read_header(frames), frames[1:])
    return caught.value.code


def nested(levels: int) -> Any:
    node: Any = []
    for _ in range(levels - 1):
        node = [node]
    return node


def test_limits_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    hello = pack({"type": "hello", "id": 1, "protocol": 1})
    read_header([hello])
    with monkeypatch.context() as patch:
        patch.setattr(limits, "MAX_HEADER_BYTES", len(hello) - 1)
        assert code([hello]) == "TOO_LARGE"
    with monkeypatch.context() as patch:
        patch.setattr(limits, "MAX_MESSAGE_BYTES", len(hello) + 9)
        read_header([hello, bytes(9)])
        assert code([hello, bytes(10)]) == "TOO_LARGE"
    with monkeypatch.context() as patch:
        patch.setattr(limits, "MAX_FRAMES", 2)
        read_header([hello, b""])
        assert code([hello, b"", b""]) == "TOO_LARGE"
    programs = [{"tensors": []}] * (limits.MAX_PROGRAMS + 1)
    assert code([pack({"type": "run", "id": 1, "want": ["exact"], "programs": programs})]) == "TOO_LARGE"


def test_depth_is_counted_from_the_header() -> None:
    fitting = {"type": "hello", "id": 1, "protocol": nested(limits.MAX_DEPTH - 1)}
    assert read_header([pack(fitting)]) == fitting
    assert code([pack({**fitting, "protocol": nested(limits.MAX_DEPTH)})]) == "TOO_DEEP"


def test_frames_belong_to_programs_in_order() -> None:
    entries = [{"dtype": "float32", "shape": []}, {"dtype": "float64", "shape": [2]}]
    programs = [{"tensors": entries}, {"tensors": []}, {"tensors": entries[:1]}]
    frames = [b"1111", b"2" * 16, b"3333"]
    header = {"type": "run", "id": 1, "want": ["truth", "exact"], "programs": programs}
    request = read_request(read_header([pack(header)]), frames)
    assert isinstance(request, Run)
    assert [job.frames for job in request.jobs] == [frames[:2], [], frames[2:]]
    assert request.want == ["exact", "truth"]
    assert request.profile == {"root": 2.0, "flush": False}
