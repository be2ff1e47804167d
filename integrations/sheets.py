"""Sheets that people keep: a CSV file as rows, or a sentence about what is wrong with it."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from integrations.errors import OutsideError

LARGEST = 64 * 1024 * 1024  #: bytes
SEPARATORS = ",;\t"


class BadSheet(OutsideError):
    """A sheet cannot be read; the message names the file and the place."""


@dataclass(frozen=True)
class SheetFile:
    """A file as it was read: its rows by line, the header being line 1."""

    file: Path
    encoding: str
    rows: list[tuple[int, dict[str, str]]]


def read_sheet(file: Path, needed: Sequence[str], optional: Sequence[str] | None = ()) -> SheetFile:
    """
    Read a CSV file with a header; every cell stripped, missing optional columns left out.

    Takes UTF-8, UTF-16 and Windows-1252, also packed with gzip; commas, semicolons and tabs. With
    None for the optional columns, any other column may be there. Raises `BadSheet` for a file
    that is missing, too large, a workbook, without a needed column, with a column that nobody
    knows, with a row of another length, or without rows.
    """
    text, encoding = _text(file)
    separator = max(SEPARATORS, key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(file, header, needed, optional)
        rows = list(_rows(file, reader, header))
    except csv.Error as error:
        raise BadSheet(f"{file}, line {reader.line_num}: {error}") from None
    if not rows:
        raise BadSheet(f"{file}: it has no rows")
    return SheetFile(file, encoding, rows)


def _text(file: Path) -> tuple[str, str]:
    try:
        if file.stat().st_size > LARGEST:
            raise BadSheet(f"{file}: larger than {LARGEST // 1024 // 1024} MB")
        content = file.read_bytes()
    except FileNotFoundError:
        raise BadSheet(f"{file}: there is no such file") from None
    except OSError as error:
        raise BadSheet(f"{file}: cannot be read ({error.strerror})") from None
    if content[:2] == b"\x1f\x8b":
        content = _unpacked(file, content)
    if content[:2] == b"PK":
        raise BadSheet(f"{file}: this is a workbook; save it as CSV UTF-8")
    if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return _decoded(file, content, "utf-16"), "utf-16"
    try:
        return content.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        return _decoded(file, content, "cp1252"), "windows-1252"


def _unpacked(file: Path, content: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
            text = packed.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error):
        raise BadSheet(f"{file}: the packed file is broken") from None
    if len(text) > LARGEST:
        raise BadSheet(f"{file}: larger than {LARGEST // 1024 // 1024} MB")
    return text


def _decoded(file: Path, content: bytes, encoding: str) -> str:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        raise BadSheet(f"{file}: neither UTF-8 nor UTF-16 nor Windows-1252") from None
    if "\0" in text:
        raise BadSheet(f"{file}: this is no text")
    return text


def _check_header(
    file: Path, header: list[str], needed: Sequence[str], optional: Sequence[str] | None
) -> None:
    missing = [name for name in needed if name not in header]
    if missing:
        there = f"; there are: {', '.join(header)}" if optional is None else ""
        raise BadSheet(f"{file}: the column {', '.join(missing)} is missing{there}")
    allowed = header if optional is None else [*needed, *optional]
    unknown = [name for name in header if name not in allowed]
    if unknown:
        known = ", ".join(allowed)
        raise BadSheet(f"{file}: the column {', '.join(unknown)} is unknown; known: {known}")
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise BadSheet(f"{file}: the column {', '.join(twice)} is there twice")


def _rows(
    file: Path, reader: "Iterator[list[str]]", header: list[str]
) -> Iterator[tuple[int, dict[str, str]]]:
    line = 1
    for cells in reader:
        line += 1
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise BadSheet(
                f"{file}, line {line}: {len(cells)} cells, but the header names {len(header)}"
            )
        yield line, {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
