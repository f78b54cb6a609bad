"""Cells of a notebook without its kernel."""

import linecache


class Notebook:
    """Runs cells as a notebook does: one name space, and sources that can be read."""

    def __init__(self, **names):
        self.space = names
        self.count = 0

    def __call__(self, source):
        self.count += 1
        name = f"<cell {id(self)} {self.count}>"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        exec(compile(source, name, "exec"), self.space)
        return self.space
