import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from arnn_search.tracking import Spool


def records_of(spool: Spool, offset: int = 0) -> list[dict[str, object] | None]:
    records = []
    while lines := spool.read(offset, max_bytes=100):
        records += [line.record for line in lines]
        offset = lines[-1].end
    return records


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "folder" / "spool.jsonl")


def test_records_are_read_back_in_order_from_any_offset(spool: Spool) -> None:
    for number in range(50):
        spool.append({"number": number, "text": "line\nfeed ü"})
    assert [record["number"] for record in records_of(spool) if record] == list(range(50))
    middle = spool.read(0, max_bytes=100)[1].end
    assert len(records_of(spool, middle)) == 48
    assert spool.num_records == 50


def test_empty_spool_reads_nothing(spool: Spool) -> None:
    assert spool.read(0) == []
    assert spool.num_records == 0


def test_record_longer_than_a_chunk_is_read_whole(spool: Spool) -> None:
    spool.append({"text": "x" * 10_000})
    assert records_of(spool) == [{"text": "x" * 10_000}]


def test_value_that_json_does_not_know_is_kept_as_text(spool: Spool) -> None:
    spool.append({"path": Path("/a/b")})
    assert records_of(spool) == [{"path": "/a/b"}]


def test_threads_do_not_mix_their_records(spool: Spool) -> None:
    def append_many(thread: int) -> None:
        for number in range(200):
            spool.append({"thread": thread, "number": number, "text": "x" * 50})

    threads = [threading.Thread(target=append_many, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    records = records_of(spool)
    assert None not in records
    for thread_number in range(4):
        numbers = [record["number"] for record in records if record and record["thread"] == thread_number]
        assert numbers == list(range(200))


def test_append_after_torn_line_starts_a_new_line(spool: Spool) -> None:
    spool.append({"number": 0})
    spool.close()
    with spool.path.open("ab") as file:
        file.write(b'{"number": 1, "te')
    reopened = Spool(spool.path)
    assert records_of(reopened) == [{"number": 0}]
    reopened.append({"number": 2})
    assert records_of(reopened) == [{"number": 0}, None, {"number": 2}]
    assert reopened.num_records == 3


def test_torn_line_can_be_ended_without_an_append(spool: Spool) -> None:
    spool.append({"number": 0})
    spool.close()
    with spool.path.open("ab") as file:
        file.write(b'\0\r"half')
    reopened = Spool(spool.path)
    reopened.end_torn_line()
    assert records_of(reopened) == [{"number": 0}, None]
    assert reopened.num_records == 2


def test_records_survive_kill_of_the_writer(tmp_path: Path) -> None:
    path = tmp_path / "spool.jsonl"
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from arnn_search.tracking import Spool\n"
        "spool = Spool(Path(sys.argv[1]))\n"
        "for number in range(1000): spool.append({'number': number})\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert ended.returncode == -9
    assert [record["number"] for record in records_of(Spool(path)) if record] == list(range(1000))


def test_full_disk_keeps_records_in_memory_and_in_order(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.append({"number": 0})

    def refuse(descriptor: int, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", refuse)
        spool.append({"number": 1})
        spool.append({"number": 2})
        assert spool.unwritten == 2
        assert "No space left" in str(spool.error)
    spool.append({"number": 3})
    assert spool.unwritten == 0
    assert spool.error is None
    assert records_of(spool) == [{"number": number} for number in range(4)]


def test_disk_that_fills_in_mid_record_neither_tears_nor_repeats_it(tmp_path: Path) -> None:
    path = tmp_path / "spool.jsonl"
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from arnn_search.tracking import Spool\n"
        "spool = Spool(Path(sys.argv[1]))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))\n"
        "for number in range(10): spool.append({'number': number, 'text': 'x' * 20})\n"
        "assert spool.path.stat().st_size == 100\n"
        "assert spool.unwritten == 8, spool.unwritten\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)\n"
        "spool.retry()\n"
        "assert spool.unwritten == 0\n"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    assert [record["number"] for record in records_of(Spool(path)) if record] == list(range(10))


def test_record_that_was_half_written_when_the_spool_was_closed_is_written_again(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.append({"number": 0})
    real_write = os.write
    room = [5]

    def write_a_little(descriptor: int, content: bytes) -> int:
        if not room[0]:
            raise OSError(28, "No space left on device")
        num_written = real_write(descriptor, content[: room[0]])
        room[0] -= num_written
        return num_written

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write_a_little)
        spool.append({"number": 1})
        spool.close()
    spool.retry()
    assert records_of(spool) == [{"number": 0}, None, {"number": 1}]


def test_folder_that_cannot_be_made_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    spool = Spool(tmp_path / "file" / "spool.jsonl")
    spool.append({"number": 0})
    assert spool.unwritten == 1
