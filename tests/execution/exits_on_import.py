"""A script without a guard."""

import argparse

argparse.ArgumentParser(prog="theirs").parse_args(["--what"])
