"""What `minimalkv.checking` finds out, a file for each kind of question."""
