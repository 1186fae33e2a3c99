"""What minimalkv 1.11 wrote is read, and the other way round."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from minimalkv import get_store, get_store_from_url
from minimalkv.crypt import HMACDecorator
from minimalkv.decorator import PrefixDecorator, URLEncodeKeysDecorator
from minimalkv.fs import FilesystemStore
from minimalkv.idgen import HashDecorator, UUIDDecorator
from tests import upstream

SECRET = b"a secret of the application"

WRITE = """
import hashlib, json, sys
from minimalkv._mixins import ExtendedKeyspaceMixin
from minimalkv.crypt import HMACDecorator
from minimalkv.decorator import PrefixDecorator, URLEncodeKeysDecorator
from minimalkv.fs import FilesystemStore
from minimalkv.idgen import HashDecorator, UUIDDecorator

class HFilesystemStore(ExtendedKeyspaceMixin, FilesystemStore):
    pass

root, secret = sys.argv[1], sys.argv[2].encode()
plain = FilesystemStore(root + "/plain")
plain.put("a", b"plain")
plain.put("'!`#$%&'()+,-.<=>?@[]^_{}~", b"odd")
HFilesystemStore(root + "/nested").put("a b/c/d", b"nested")
HMACDecorator(secret, plain).put("signed", b"signed")
PrefixDecorator("p-", plain).put("a", b"prefixed")
URLEncodeKeysDecorator(plain).put("\\u00e4 /x", b"encoded")
print(json.dumps([
    HashDecorator(plain).put(None, b"hashed"),
    HashDecorator(plain, hashlib.md5, "{}.bin").put(None, b"hashed"),
    UUIDDecorator(plain, "{}.jpg").put(None, b"uuid"),
]))
"""

READ = """
import json, sys
from minimalkv._mixins import ExtendedKeyspaceMixin
from minimalkv.decorator import PrefixDecorator, URLEncodeKeysDecorator
from minimalkv.fs import FilesystemStore

class HFilesystemStore(ExtendedKeyspaceMixin, FilesystemStore):
    pass

root = sys.argv[1]
plain = FilesystemStore(root + "/plain")
print(json.dumps([
    plain.get("a").decode(),
    HFilesystemStore(root + "/nested").get("a b/c").decode(),
    PrefixDecorator("p-", plain).get("a").decode(),
    URLEncodeKeysDecorator(plain).get("\\u00e4 /x").decode(),
]))
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    root = tmp_path_factory.mktemp("upstream")
    printed = upstream.run(WRITE, root, SECRET.decode())
    return root, json.loads(printed)


def test_files_of_upstream_are_read(written: tuple[Path, list[str]]) -> None:
    root, _ = written
    plain = get_store_from_url(f"fs://{root}/plain")
    assert plain.get("a") == b"plain"
    assert plain.get("'!`#$%&'()+,-.<=>?@[]^_{}~") == b"odd"
    assert PrefixDecorator("p-", plain).get("a") == b"prefixed"
    encoded = URLEncodeKeysDecorator(plain)
    assert encoded.get("ä /x") == b"encoded"
    assert "ä /x" in list(encoded)
    nested = get_store("hfs", path=f"{root}/nested")
    assert nested.keys() == ["a b/c/d"]
    assert nested.get("a b/c/d") == b"nested"


def test_signed_values_of_upstream_are_read(written: tuple[Path, list[str]]) -> None:
    root, _ = written
    plain = FilesystemStore(root / "plain")
    signed = HMACDecorator(SECRET, plain, accept_legacy=True)
    assert signed.get("signed") == b"signed"
    assert signed.open("signed").read() == b"signed"


def test_keys_that_upstream_made_are_ours(written: tuple[Path, list[str]]) -> None:
    root, (sha1, md5, uuid) = written
    plain = FilesystemStore(root / "plain")
    assert HashDecorator(plain).put(None, b"hashed") == sha1
    assert HashDecorator(plain, hashlib.md5, "{}.bin").put(None, b"hashed") == md5
    assert plain.get(uuid) == b"uuid"
    shape = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.jpg")
    assert shape.fullmatch(uuid)
    assert shape.fullmatch(UUIDDecorator(plain, "{}.jpg").put(None, b"ours"))


def test_upstream_reads_our_files(tmp_path: Path) -> None:
    plain = FilesystemStore(tmp_path / "plain", fsync=False)
    plain.put("a", b"plain")
    PrefixDecorator("p-", plain).put("a", b"prefixed")
    URLEncodeKeysDecorator(plain).put("ä /x", b"encoded")
    get_store_from_url(f"hfs://{tmp_path}/nested").put("a b/c", b"nested")
    printed = upstream.run(READ, tmp_path)
    assert json.loads(printed) == ["plain", "nested", "prefixed", "encoded"]


def test_every_name_of_upstream_that_we_carry_is_there() -> None:
    names = upstream.run("import minimalkv; print(*minimalkv.__all__)").split()
    ours = __import__("minimalkv")
    assert [name for name in names if not hasattr(ours, name)] == []
