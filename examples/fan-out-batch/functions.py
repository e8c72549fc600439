"""What there is to do: the texts of a folder, each by itself."""

from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def preprocess(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """A piece for each text."""
    texts = sorted((FOLDER / "data" / event["folder"]).glob("*.txt"))
    return {
        "pieces": [
            {
                "name": text.stem,
                "input": f"s3://texts/{event['folder']}/{text.name}",
                "output": f"s3://texts/counts/{text.stem}",
            }
            for text in texts
        ]
    }
