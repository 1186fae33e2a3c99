"""A store in which sessions cannot be kept."""

from minimalkv.memory import DictStore


class Unconditional(DictStore):
    """It cannot write on condition."""

    conditional_support = False
