"""How much a store costs over the bare calls, measured side by side in one run.

``make bench`` prints the table, ``python -m benchmarks --help`` says what else there
is. Only ratios are printed: seconds depend on the machine, and on who else uses it.
"""
