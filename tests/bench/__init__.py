"""
How fast it is: `uv run poe bench` measures ratios in one run, on one machine, interleaved.

Lead routing at full authority stands beside a bare Prefect flow with as many tasks in the same
warm worker, and beside the same routing through `flow.serve()` at its defaults. Figures from two
runs, or two machines, say little beside each other; the ratios of one run do.
"""
