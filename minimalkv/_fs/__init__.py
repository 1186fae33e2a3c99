"""How `minimalkv.fs` finds, reads and publishes files."""
