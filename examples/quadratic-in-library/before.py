"""A command that writes the sitemaps of five shops, without the pages that were withdrawn."""

from io import StringIO
from xml.dom.minidom import Document


def main():
    for shop in ("de", "fr", "es", "it", "nl"):
        document = sitemap(shop, 12_000)
        drop_withdrawn(document.documentElement)
        print(shop, len(document.documentElement.childNodes), "pages", size(document), "characters")


def sitemap(shop, pages):
    document = Document()
    root = document.appendChild(document.createElement("urlset"))
    for number in range(pages):
        url = root.appendChild(document.createElement("url"))
        url.setAttribute("loc", f"https://example.com/{shop}/{number}")
    return document


def drop_withdrawn(root):
    for url in reversed(list(root.childNodes)):
        if withdrawn(url.getAttribute("loc")):
            root.removeChild(url)


def withdrawn(address):
    return int(address.rpartition("/")[2]) % 8 in (3, 5, 6, 7)


def size(document):
    text = StringIO()
    document.writexml(text)
    return len(text.getvalue())


main()
