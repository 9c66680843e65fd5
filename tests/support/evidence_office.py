"""Small honest office documents, with the canary in all that tells of their makers, what is seen marked as shown."""

import io
import zipfile
from collections.abc import Mapping

from tests.support.evidence_films import CANARY, SHOWN

_C, _S = CANARY.decode(), SHOWN.decode()
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_MAIN = "application/vnd.openxmlformats-officedocument"

Parts = Mapping[str, str | bytes]


def archived(parts: Parts, *, stored: tuple[str, ...] = ("mimetype", "docProps/core.xml", "meta.xml")) -> bytes:
    """The archive of these parts, in this order."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        for name, content in parts.items():
            method = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            zipped.writestr(zipfile.ZipInfo(name, (2026, 7, 1, 12, 0, 0)), content, method)
    return file.getvalue()


def _relations(*relations: tuple[str, str]) -> str:
    """Relationships of these kinds to these targets; an address leads outside."""
    told = "".join(
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/relationships/{kind}" Target="{target}"'
        f"{' TargetMode=' + chr(34) + 'External' + chr(34) if ':' in target else ''}/>"
        for number, (kind, target) in enumerate(relations, 1)
    )
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{told}</Relationships>'


def package(
    main: str, parts: Parts, pictures: tuple[bytes, bytes], kind: str, *relations: tuple[str, str]
) -> dict[str, str | bytes]:
    """The parts of a package around its main part: properties, a custom part, addresses outside, a picture."""
    folder = main.partition("/")[0]
    overrides = "".join(
        f'<Override PartName="/{name}" ContentType="{_MAIN}.{kind}.main+xml"/>'
        for name in (main, "docProps/core.xml", "customXml/item1.xml", *parts)
        if name.endswith(".xml")
    )
    defaults = (
        '<Default Extension="rels" ContentType="application/xml"/><Default Extension="png" ContentType="image/png"/>'
    )
    own = (
        ("customXml", "../customXml/item1.xml"),
        ("hyperlink", f"https://{_C}.example/"),
        ("image", "media/image1.png"),
        ("image", "media/image2.jpeg"),
        ("oleObject", "embeddings/oleObject1.bin"),
        *relations,
    )
    return {
        "[Content_Types].xml": f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">{defaults}{overrides}</Types>',
        "_rels/.rels": _relations(
            ("officeDocument", main),
            ("metadata/core-properties", "docProps/core.xml"),
            ("thumbnail", "docProps/t.jpeg"),
        ),
        "docProps/core.xml": f'{_HEAD}<p:coreProperties xmlns:p="{_PACKAGE}/metadata/core-properties"><p:creator>{_C}'
        "</p:creator></p:coreProperties>",
        "docProps/t.jpeg": pictures[0],
        "customXml/item1.xml": f"<a>{_C}</a>",
        main: parts[main],
        f"{folder}/_rels/{main.partition('/')[2]}.rels": _relations(*own),
        f"{folder}/media/image1.png": pictures[1],
        f"{folder}/media/image2.jpeg": pictures[0],
        f"{folder}/embeddings/oleObject1.bin": b"\xd0\xcf\x11\xe0" + CANARY,
        **{name: content for name, content in parts.items() if name != main},
    }


def docx_parts(jpeg: bytes, png: bytes) -> dict[str, str | bytes]:
    """A text with a tracked change, a comment, a field, people and edit sessions."""
    names = f'xmlns:w="{_OFFICE}/main" xmlns:r="{_OFFICE}/relationships" xmlns:v="urn:vml" xmlns:o="urn:office"'
    change = f'w:id="1" w:author="{_C}" w:date="2026-07-01T12:00:00Z" w:initials="{_C}"'
    return package(
        "word/document.xml",
        {
            "word/document.xml": f'{_HEAD}<!-- {_C} --><w:document {names}><w:body><w:p w:rsidR="{_C}"><w:r><w:t>'
            f"{_S} &lt;b&gt; سلام</w:t></w:r><w:ins {change}><w:r><w:t>new</w:t></w:r></w:ins><w:r><w:instrText>"
            f'DDEAUTO {_C}</w:instrText></w:r><w:fldSimple w:instr="INCLUDEPICTURE {_C}"><w:r><w:t>field</w:t></w:r>'
            f'</w:fldSimple><v:imagedata src="https://{_C}.example/x" o:href="file:///{_C}"/></w:p></w:body></w:document>',
            "word/comments.xml": f"{_HEAD}<w:comments {names}><w:comment {change}><w:p>a note</w:p></w:comment>"
            "</w:comments>",
            "word/settings.xml": f'{_HEAD}<w:settings {names}><w:zoom w:percent="90"/><w:rsids><w:rsid w:val="{_C}"/>'
            f"</w:rsids><w:docVars><w:docVar w:name='a' w:val='{_C}'/></w:docVars></w:settings>",
            "word/people.xml": f'{_HEAD}<w:people {names}><w:person w:author="{_C}"/></w:people>',
        },
        (jpeg, png),
        "wordprocessingml.document",
        ("comments", "comments.xml"),
        ("people", "people.xml"),
        ("attachedTemplate", f"https://{_C}.example/t.dotm"),
    )


def xlsx_parts(jpeg: bytes, png: bytes) -> dict[str, str | bytes]:
    """A table with a formula, its value, a note, the path where it lay."""
    names = f'xmlns="{_OFFICE}/main" xmlns:x="urn:x15"'
    return package(
        "xl/workbook.xml",
        {
            "xl/workbook.xml": f'{_HEAD}<workbook {names}><fileSharing userName="{_C}"/><x:absPath url="C:\\{_C}"/>'
            '<sheets><sheet name="One" sheetId="1"/></sheets></workbook>',
            "xl/worksheets/sheet1.xml": f'{_HEAD}<worksheet {names}><sheetData><row r="1"><c r="A1" t="str"><f>'
            f'WEBSERVICE("{_C}")</f><v>{_S}</v></c></row></sheetData></worksheet>',
            "xl/comments1.xml": f"{_HEAD}<comments {names}><authors><author>{_C}</author></authors></comments>",
            "xl/persons/person.xml": f'{_HEAD}<personList {names}><person displayName="{_C}"/></personList>',
        },
        (jpeg, png),
        "spreadsheetml.sheet",
        ("person", "persons/person.xml"),
    )


def pptx_parts(jpeg: bytes, png: bytes) -> dict[str, str | bytes]:
    """A slide with a comment and a button that starts a program."""
    names = f'xmlns:p="{_OFFICE}/main" xmlns:a="urn:drawing"'
    return package(
        "ppt/presentation.xml",
        {
            "ppt/presentation.xml": f"{_HEAD}<p:presentation {names}/>",
            "ppt/slides/slide1.xml": f'{_HEAD}<p:sld {names}><p:cNvPr id="1" name="Picture" descr="C:\\{_C}.jpg">'
            f'<a:hlinkClick action="ppaction://program?{_C}"/></p:cNvPr><a:t>{_S}</a:t></p:sld>',
            "ppt/commentAuthors.xml": f'{_HEAD}<p:cmAuthorLst {names}><p:cmAuthor id="0" name="{_C}" initials="{_C}"/>'
            "</p:cmAuthorLst>",
            "ppt/comments/comment1.xml": f'{_HEAD}<p:cmLst {names}><p:cm authorId="0" dt="{_C}"><p:text>a note</p:text>'
            "</p:cm></p:cmLst>",
        },
        (jpeg, png),
        "presentationml.presentation",
    )


def open_document_parts(kind: str, png: bytes) -> dict[str, str | bytes]:
    """An OpenDocument with a note, a script, addresses, properties; `kind` is `text`, `spreadsheet`, `presentation`."""
    names = 'xmlns:office="urn:o" xmlns:text="urn:t" xmlns:xlink="urn:x" xmlns:dc="urn:dc" xmlns:table="urn:b"'
    listed = ("/", "content.xml", "meta.xml", "settings.xml", "Pictures/1.png", "Thumbnails/thumbnail.png")
    entries = "".join(f'<m:file-entry m:full-path="{path}" m:media-type=""/>' for path in (*listed, "Configurations2/"))
    return {
        "mimetype": f"application/vnd.oasis.opendocument.{kind}",
        "content.xml": f'{_HEAD}<office:document-content {names}><office:scripts><x href="{_C}"/></office:scripts>'
        f"<text:p>{_S}<office:annotation><dc:creator>{_C}</dc:creator><dc:date>{_C}</dc:date>a note</office:annotation>"
        f'<text:a xlink:href="https://{_C}.example/">link</text:a><text:a xlink:href="Pictures/1.png"/></text:p>'
        f'<table:table-cell table:formula="of:={_C}"><text:p>7</text:p></table:table-cell></office:document-content>',
        "meta.xml": f"{_HEAD}<office:document-meta {names}><dc:creator>{_C}</dc:creator></office:document-meta>",
        "settings.xml": f"{_HEAD}<settings>{_C}</settings>",
        "Pictures/1.png": png,
        "Thumbnails/thumbnail.png": png,
        "META-INF/manifest.xml": f'{_HEAD}<m:manifest xmlns:m="urn:m">{entries}</m:manifest>',
    }
