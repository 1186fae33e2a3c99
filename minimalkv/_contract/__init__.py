"""The contracts of `minimalkv.testing`, a file for each room of the store's promises."""
