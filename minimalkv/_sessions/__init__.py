"""What `minimalkv.sessions` is made of."""
