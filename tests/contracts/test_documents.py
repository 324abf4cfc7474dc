"""The documents lead to what is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(path.relative_to(ROOT) for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")))


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_link_in_a_document_leads_somewhere(document: Path) -> None:
    places = re.findall(r"\]\(([^)#]+)[^)]*\)", (ROOT / document).read_text())
    missing = [
        place
        for place in places
        if not place.startswith(("http:", "https:")) and not (ROOT / document.parent / place).exists()
    ]
    assert missing == []
