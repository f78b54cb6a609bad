"""``python -m droplab``."""

from droplab.cli import main

if __name__ == "__main__":
    main()
