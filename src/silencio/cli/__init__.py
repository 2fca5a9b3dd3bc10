"""The command `silencio`.

Its subcommands are entry points of the group `silencio.commands`, from this distribution or any other: each is a
function that declares options on an `argparse` parser, and sets `run`, which takes what was parsed and returns the exit
status (None: 0). The first line of its docstring is its help. It is imported when it is called, or completed, and by
nothing else; the extras that stand behind an entry point are what to install where something is missing.
"""
