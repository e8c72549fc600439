"""What every storage has to do, whatever it stores in: import the tests and give a `storage`."""

import threading
from collections.abc import Callable

import pytest

from gristmill.storage import Storage, StoredFile, map_concurrently

# Characters that Spark leaves in a partition's name, and those that it escapes.
ODD = "data/shop=caf%C3%A9 & co%2F1+é=~(2)"


@pytest.fixture
def another(storage: Storage) -> Callable[[], Storage]:
    """Another view of the same place, as another process has it; by default the same."""
    return lambda: storage


def test_nothing_is_where_nothing_was_put(storage: Storage) -> None:
    assert not storage.is_file("a/b")
    assert storage.names("a") == []
    assert storage.data_files("a") == []
    assert storage.data_files("") == []
    assert storage.read("a/b") is None
    storage.delete("a/b")
    storage.delete("a")
    storage.delete_empty_folder("a")


def test_a_file_is_written_whole_and_replaced(storage: Storage) -> None:
    storage.write("a/b.json", b"one")
    assert storage.read("a/b.json") == b"one"
    assert storage.is_file("a/b.json")
    assert not storage.is_file("a")
    storage.write("a/b.json", bytes(range(256)))
    assert storage.read("a/b.json") == bytes(range(256))
    storage.write("a/empty", b"")
    assert storage.read("a/empty") == b""
    assert storage.names("a") == ["b.json", "empty"]


def test_the_end_of_a_file_is_read_alone(storage: Storage) -> None:
    storage.write("a/b", bytes(range(200)))
    assert storage.read_end("a/b", 3, 200) == bytes([197, 198, 199])
    assert storage.read_end("a/b", 200, 200) == bytes(range(200))
    assert storage.read_end("a/b", 1000, 200) == bytes(range(200))


def test_a_file_is_no_folder(storage: Storage) -> None:
    storage.write("a/b", b"x")
    assert storage.names("a/b") == []
    assert storage.read("a/b/c") is None
    assert not storage.is_file("a/b/c")


def test_names_are_those_of_files_and_folders(storage: Storage) -> None:
    for path in ("a/z", "a/b/c/d", "a/.hidden", "a/_b/c", "other/x"):
        storage.write(path, b"x")
    assert storage.names("a") == [".hidden", "_b", "b", "z"]
    assert storage.names("") == ["a", "other"]
    assert storage.names("a/b") == ["c"]


def test_data_files_are_found_at_any_depth_without_hidden_ones(storage: Storage) -> None:
    for path in ("d/x=2/b", "d/x=1/y=1/a", "d/x=10/a", "d/top", "d/_t/a", "d/x=1/.a.crc", "e/a"):
        storage.write(path, path.encode())
    assert storage.data_files("d") == [
        StoredFile("top", 5),
        StoredFile("x=1/y=1/a", 11),
        StoredFile("x=10/a", 8),
        StoredFile("x=2/b", 7),
    ]


def test_names_may_be_odd(storage: Storage) -> None:
    storage.write(f"{ODD}/part-0", b"x")
    assert storage.names("data") == [ODD.removeprefix("data/")]
    assert storage.data_files("data") == [StoredFile(f"{ODD.removeprefix('data/')}/part-0", 1)]
    storage.move(f"{ODD}/part-0", f"{ODD}/run-00000.parquet")
    assert storage.read(f"{ODD}/run-00000.parquet") == b"x"
    storage.delete(f"{ODD}/run-00000.parquet")
    storage.delete_empty_folder(ODD)
    assert storage.names("data") == []


def test_a_file_is_created_only_where_there_is_none(storage: Storage) -> None:
    assert storage.create("log/1", b"mine")
    assert storage.read("log/1") == b"mine"
    assert not storage.create("log/1", b"yours")
    assert storage.read("log/1") == b"mine"
    # Asked again by the same caller, whose first answer may have got lost.
    assert storage.create("log/1", b"mine")
    assert storage.names("log") == ["1"]


def test_of_many_that_create_at_once_one_succeeds(
    storage: Storage, another: Callable[[], Storage]
) -> None:
    callers, rounds = 8, 3
    start = threading.Barrier(callers)
    won: list[list[int]] = [[] for _ in range(rounds)]

    def try_it(caller: int) -> None:
        mine = another()
        for number in range(rounds):
            start.wait()
            if mine.create(f"log/{number}", f"by {caller}".encode()):
                won[number].append(caller)

    threads = [threading.Thread(target=try_it, args=(caller,)) for caller in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(rounds):
        (winner,) = won[number]
        assert storage.read(f"log/{number}") == f"by {winner}".encode()


def test_a_file_moves_into_a_folder_that_was_not_there(storage: Storage) -> None:
    storage.write("from/a", b"x")
    storage.move("from/a", "to/x=1/y=2/a")
    assert storage.read("to/x=1/y=2/a") == b"x"
    assert not storage.is_file("from/a")


def test_a_move_may_be_repeated(storage: Storage) -> None:
    storage.write("from/a", b"x")
    storage.move("from/a", "to/a")
    storage.move("from/a", "to/a")
    assert storage.read("to/a") == b"x"
    # On S3 it may have stopped between the copy and the deletion.
    storage.write("from/a", b"x")
    storage.move("from/a", "to/a")
    assert storage.read("to/a") == b"x"
    assert not storage.is_file("from/a")


def test_what_is_not_there_cannot_be_moved(storage: Storage) -> None:
    storage.write("to/other", b"x")
    with pytest.raises(FileNotFoundError):
        storage.move("from/a", "to/a")
    with pytest.raises(FileNotFoundError):
        storage.move("from/a", "gone/a")


def test_deletion_takes_a_folder_with_all_in_it(storage: Storage) -> None:
    for path in ("a/b/c", "a/b/_d/e", "a/f"):
        storage.write(path, b"x")
    storage.delete("a/b")
    assert storage.names("a") == ["f"]
    storage.delete("a/f")
    assert storage.data_files("a") == []


def test_a_folder_goes_only_when_it_is_empty(storage: Storage) -> None:
    storage.write("a/b/c", b"x")
    storage.delete_empty_folder("a/b")
    assert storage.read("a/b/c") == b"x"
    storage.delete("a/b/c")
    storage.delete_empty_folder("a/b")
    assert storage.names("a") == []


def test_many_at_once(storage: Storage) -> None:
    paths = [f"many/{number:02d}" for number in range(40)]
    map_concurrently(storage, lambda path: storage.write(path, path.encode()), paths)
    assert map_concurrently(storage, storage.read, paths) == [path.encode() for path in paths]
