"""
The fault programme: senders are killed in the middle of their writes, on a network that lies.

`uv run poe chaos --kills 200 --seed 7` starts a PostgreSQL and a sandbox CRM of its own, lets
senders make writes through the product's own code, and kills them with SIGKILL, most of them
between the gate and the answer; some are first stopped past their lease, while another one takes
over, and woken again. Meanwhile the senders' clock jumps, the database is killed, and its disk is
full (`disorder.py`). Afterwards it counts, in the CRM's own log, how often each write
took effect.
"""
