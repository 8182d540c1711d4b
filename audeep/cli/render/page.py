# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTML page that needs nothing beside itself, from the templates in this folder."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import BinaryIO

from audeep.errors import escaped


def page(template: str, content: Mapping[str, object]) -> str:
    """A template filled in; all text is escaped for HTML, and what cannot be printed is made visible."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("audeep.cli.render", ""),
        autoescape=True,
        finalize=lambda value: value if isinstance(value, Markup) else escaped(str(value)),
        keep_trailing_newline=True,
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["base64"] = lambda data: b64encode(data).decode()
    return environment.get_template(template).render(content)


def png(draw: Callable[..., None], *content: object, **options: object) -> bytes:
    """What `draw` draws of `content`."""
    file: BinaryIO = BytesIO()
    draw(*content, file, **options)
    file.seek(0)
    return file.read()
