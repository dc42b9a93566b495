import multiprocessing
from pathlib import Path

import pytest

from serving.merge.folder import publish, unfinished


def test_the_folder_appears_whole(tmp_path: Path) -> None:
    out = tmp_path / "r1"
    with unfinished(out) as partial:
        (partial / "file").write_text("x")
        assert not out.exists()
        publish(partial, out)
    assert [path.name for path in tmp_path.iterdir()] == ["r1"]
    assert (out / "file").read_text() == "x"


def _fail_half_way(out: Path) -> None:
    with unfinished(out) as partial:
        (partial / "file").write_text("x")
        raise ValueError("no")


def test_nothing_is_left_of_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no"):
        _fail_half_way(tmp_path / "r1")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_is_cleared(tmp_path: Path) -> None:
    (tmp_path / ".r1.partial" / "sub").mkdir(parents=True)
    (tmp_path / ".r1.partial" / "half").write_text("x")
    with unfinished(tmp_path / "r1") as partial:
        assert list(partial.iterdir()) == []


def _merge_after(out: Path, started: "multiprocessing.synchronize.Event") -> None:
    started.set()
    with unfinished(out) as partial:
        if out.exists():
            partial.rmdir()
        else:
            (partial / "who").write_text("second")
            publish(partial, out)


def test_a_second_writer_waits_and_does_not_harm_what_the_first_made(tmp_path: Path) -> None:
    out = tmp_path / "r1"
    spawn = multiprocessing.get_context("spawn")
    started = spawn.Event()
    second = spawn.Process(target=_merge_after, args=(out, started))
    with unfinished(out) as partial:
        second.start()
        assert started.wait(20)
        second.join(0.3)
        assert second.is_alive()
        (partial / "who").write_text("first")
        publish(partial, out)
    second.join(20)
    assert second.exitcode == 0
    assert (out / "who").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["r1"]
