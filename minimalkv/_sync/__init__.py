"""The parts of `minimalkv.sync`."""
