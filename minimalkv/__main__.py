"""``python -m minimalkv`` is the command ``minimalkv``."""

from minimalkv.cli import main

if __name__ == "__main__":
    main(prog_name="minimalkv")
