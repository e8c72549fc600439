"""State machines drawn: as Mermaid, and as SVG, with how far an execution is."""
