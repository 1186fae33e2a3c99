"""The beginnings of files of many types."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from typing import Final


def _zipped(*names: str, mimetype: str = "") -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        if mimetype:
            archive.writestr("mimetype", mimetype)
        for name in names:
            archive.writestr(name, "<x/>")
    return target.getvalue()


def _office(document: str) -> bytes:
    return _zipped("[Content_Types].xml", "_rels/.rels", document)


def _open_document(kind: str) -> bytes:
    mimetype = f"application/vnd.oasis.opendocument.{kind}"
    return _zipped("content.xml", mimetype=mimetype)


def _tar() -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"))
    return target.getvalue()


_JPEG: Final = b"\xff\xd8\xff\xe0" + bytes(20)
_OLE: Final = bytes.fromhex("D0CF11E0A1B11AE1") + bytes(600)
_WINDOWS: Final = b"MZ" + bytes(60)

SAMPLES: Final = {
    "7z": b"7z\xbc\xaf\x27\x1c" + bytes(9),
    "aac": b"\xff\xf1" + bytes(20),
    "abw": b'<?xml version="1.0"?><abiword/>',
    "avif": b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf",
    "bmp": b"BM" + bytes(30),
    "bz2": bz2.compress(b"x"),
    "csv": b"a,b\n1,2",
    "dll": _WINDOWS,
    "doc": _OLE,
    "docx": _office("word/document.xml"),
    "exe": _WINDOWS,
    "flac": b"fLaC" + bytes(20),
    "gif": b"GIF89a" + bytes(9),
    "gnumeric": gzip.compress(b"<gmr:Workbook/>"),
    "gz": gzip.compress(b"x"),
    "html": b"<!DOCTYPE html><p>",
    "ini": b"[a]\nb=1",
    "jpe": _JPEG,
    "jpeg": _JPEG,
    "jpg": _JPEG,
    "js": b"run()",
    "json": b'{"a": 1}',
    "mp3": b"ID3\x03" + bytes(20),
    "mp4": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
    "odf": _open_document("formula"),
    "ods": _open_document("spreadsheet"),
    "odt": _open_document("text"),
    "oga": b"OggS" + bytes(20),
    "ogg": b"OggS" + bytes(20),
    "pdf": b"%PDF-1.4\n",
    "php": b"<?php run();",
    "pl": b"print 1",
    "plist": b'<?xml version="1.0"?><plist/>',
    "png": b"\x89PNG\r\n\x1a\n" + bytes(20),
    "pptx": _office("ppt/presentation.xml"),
    "py": b"print(1)",
    "rb": b"puts 1",
    "rtf": b"{\\rtf1 x}",
    "sh": b"#!/bin/sh\n",
    "so": b"\x7fELF" + bytes(60),
    "svg": b"<svg></svg>",
    "tar": _tar(),
    "tgz": gzip.compress(_tar()),
    "txt": b"Hello",
    "txz": lzma.compress(b"x"),
    "wav": b"RIFF\0\0\0\0WAVEfmt ",
    "webm": b"\x1aE\xdf\xa3B\x82\x84webm" + bytes(20),
    "webp": b"RIFF\0\0\0\0WEBPVP8 " + bytes(9),
    "xls": _OLE,
    "xlsx": _office("xl/workbook.xml"),
    "xml": b'<?xml version="1.0"?><a href="x"/>',
    "yaml": b"a: 1",
    "yml": b"a: 1",
    "zip": _zipped("a"),
}
"""By the ending of their names."""
