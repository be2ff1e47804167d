"""
Which of 10 000 buckets a unit falls into, today and for ever.

The bucket depends on the workflow and the unit alone: not on the release, the stage or the
percentage. So nobody who is treated at 5 % ever leaves as the percentage grows.
"""

import json
from hashlib import sha256

BUCKETS = 10_000  #: one bucket is one basis point


def bucket(cohort_key: str, unit_kind: str, unit_id: str) -> int:
    """
    Give the bucket of a unit, 0 to 9 999.

    The first four bytes of SHA-256 over the canonical JSON of the three words, scaled by
    multiplication and shift: integers only, and no modulo bias.
    """
    key = json.dumps([cohort_key, unit_kind, unit_id], separators=(",", ":"), ensure_ascii=False)
    head = int.from_bytes(sha256(key.encode()).digest()[:4], "big")
    return (head * BUCKETS) >> 32
