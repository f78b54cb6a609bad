"""The board: pages of experiments that are fed from their ledgers while training runs.

It reads and never writes. Threads of its own look at ledgers (``watcher.py``), a small server hands out pages and
events (``app.py``), and nothing that it does can reach training.
"""
