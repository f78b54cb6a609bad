"""``droplab init``."""

from __future__ import annotations

from pathlib import Path


def init(path: Path = Path("droplab.toml")) -> None:
    """Write a commented example of a spec; an existing file is left alone.

    Args:
        path: The file to write.
    """
    from droplab.cli.terminal import say
    from droplab.errors import FailureError, UserError
    from droplab.experiment.presets import EXAMPLE

    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(EXAMPLE.format(name=path))
    except FileExistsError:
        raise UserError(f"{path} exists already and is left as it is; name another file") from None
    except OSError as problem:
        raise FailureError(f"{path} cannot be written: {problem.strerror or problem}") from problem
    say(f"wrote {path}; run it with: droplab compare {path}")
