"""The parts of `minimalkv.http`."""
