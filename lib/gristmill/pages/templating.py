"""Templates: what is shown is text, never markup, and nothing that is not there is passed over."""

import jinja2


def templates(package: str) -> jinja2.Environment:
    """The templates of a package, in its folder `templates`."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader(package, "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
