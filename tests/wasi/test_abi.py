"""Numbers and layouts agree with the specification's `typenames`."""

import errno

import pytest

from wasmcy.wasi import abi


def test_error_codes_are_positions_in_the_list_of_names():
    codes = {
        name: value
        for name, value in vars(abi).items()
        if name[0] == "E" and name[1:].isalnum() and isinstance(value, int)
    }
    assert len(codes) > 20
    for name, code in codes.items():
        assert abi.ERRNO_NAMES[code] == name[1:].lower()
    assert len(abi.ERRNO_NAMES) == 77


@pytest.mark.parametrize(
    ("host", "code"),
    [("ENOENT", 44), ("EEXIST", 20), ("ENOTEMPTY", 55), ("EXDEV", 75), ("EPIPE", 64),
     ("ENOSPC", 51), ("EOPNOTSUPP", 58), ("EWOULDBLOCK", 6), ("E2BIG", 1)],
)  # fmt: skip
def test_errors_of_the_host_become_the_code_of_that_name(host, code):
    assert abi.HOST_ERRNO[getattr(errno, host)] == code


@pytest.mark.parametrize(
    ("layout", "size"),
    [(abi.FDSTAT, 24), (abi.FILESTAT, 64), (abi.FILESTAT_0, 56), (abi.DIRENT, 24), (abi.PRESTAT, 8),
     (abi.EVENT, 32), (abi.SUBSCRIPTION, 48), (abi.SUBSCRIPTION_0, 56), (abi.PAIR, 8)],
)  # fmt: skip
def test_records_have_the_specified_size(layout, size):
    assert layout.size == size


@pytest.mark.parametrize(
    ("layout", "values", "places"),
    [
        (abi.FDSTAT, (1, 2, 3, 4), (0, 2, 8, 16)),
        (abi.FILESTAT, (1, 2, 3, 4, 5, 6, 7, 8), (0, 8, 16, 24, 32, 40, 48, 56)),
        (abi.FILESTAT_0, (1, 2, 3, 4, 5, 6, 7, 8), (0, 8, 16, 20, 24, 32, 40, 48)),
        (abi.DIRENT, (1, 2, 3, 4), (0, 8, 16, 20)),
        (abi.EVENT, (1, 2, 3, 4, 5), (0, 8, 10, 16, 24)),
        (abi.SUBSCRIPTION, (1, 2, 3, 4, 5, 6), (0, 8, 16, 24, 32, 40)),
        (abi.SUBSCRIPTION_0, (1, 2, 3, 4, 5, 6, 7), (0, 8, 16, 24, 32, 40, 48)),
    ],
)
def test_fields_stand_where_they_are_specified(layout, values, places):
    packed = layout.pack(*values)
    assert [packed[place] for place in places] == list(values)
    assert sum(packed) == sum(values)


def test_rights_are_bits_in_the_specified_order():
    order = [
        abi.FD_DATASYNC, abi.FD_READ, abi.FD_SEEK, abi.FD_FDSTAT_SET_FLAGS, abi.FD_SYNC,
        abi.FD_TELL, abi.FD_WRITE, abi.FD_ADVISE, abi.FD_ALLOCATE, abi.PATH_CREATE_DIRECTORY,
        abi.PATH_CREATE_FILE, abi.PATH_LINK_SOURCE, abi.PATH_LINK_TARGET, abi.PATH_OPEN,
        abi.FD_READDIR, abi.PATH_READLINK, abi.PATH_RENAME_SOURCE, abi.PATH_RENAME_TARGET,
        abi.PATH_FILESTAT_GET, abi.PATH_FILESTAT_SET_SIZE, abi.PATH_FILESTAT_SET_TIMES,
        abi.FD_FILESTAT_GET, abi.FD_FILESTAT_SET_SIZE, abi.FD_FILESTAT_SET_TIMES, abi.PATH_SYMLINK,
        abi.PATH_REMOVE_DIRECTORY, abi.PATH_UNLINK_FILE, abi.POLL_FD_READWRITE, abi.SOCK_SHUTDOWN,
        abi.SOCK_ACCEPT,
    ]  # fmt: skip
    assert order == [1 << bit for bit in range(30)]
