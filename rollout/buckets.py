"""
Which of 10 000 buckets a unit falls into, today and for ever.

The bucket depends on the workflow and the unit alone: not on the release, the stage or the
percentage. So nobody who is treated at 5 % ever leaves as the percentage grows.

The other functions are those of other systems, so that a team can take its cohorts along.
"""

from collections.abc import Mapping
from hashlib import sha1, sha256
from json.encoder import encode_basestring as encode

from mmh3 import hash as murmur3

from rollout.errors import Invalid

BUCKETS = 10_000  #: one bucket is one basis point


def bucket(cohort_key: str, unit_kind: str, unit_id: str) -> int:
    """
    Give the bucket of a unit, 0 to 9 999.

    The first four bytes of SHA-256 over the canonical JSON of the three words, scaled by
    multiplication and shift: integers only, and no modulo bias.
    """
    key = f"[{encode(cohort_key)},{encode(unit_kind)},{encode(unit_id)}]"
    head = int.from_bytes(sha256(key.encode()).digest()[:4], "big")
    return (head * BUCKETS) >> 32


def unleash(group_id: str, identifier: str) -> int:
    """
    Give Unleash's bucket, 1 to 100: enabled where it is at most the percentage.

    MurmurHash3 (x86, 32 bits, seed 0) of `group:identifier`, modulo 100, plus 1.
    """
    return murmur3(f"{group_id}:{identifier}", 0, signed=False) % 100 + 1


def growthbook(seed: str, value: str, version: int = 2) -> float:
    """
    Give GrowthBook's bucket, 0 to below 1; raises `Invalid` for an unknown version.

    FNV-1a with 32 bits. Version 1: of value and seed, modulo 1 000. Version 2: of the decimal
    digits of the hash of seed and value, modulo 10 000, which takes the first one's bias away.
    """
    match version:
        case 1:
            return _fnv1a(value + seed) % 1_000 / 1_000
        case 2:
            return _fnv1a(str(_fnv1a(seed + value))) % 10_000 / 10_000
        case _:
            raise Invalid(f"GrowthBook's hash has version 1 or 2, not {version}")


def launchdarkly(key: str, salt: str, value: str, seed: int | None = None) -> float:
    """
    Give LaunchDarkly's bucket, 0 to 1.

    The first 15 hexadecimal digits of SHA-1 of `key.salt.value`, or of `seed.value` where an
    experiment has a seed, over the largest such number.
    """
    prefix = f"{key}.{salt}" if seed is None else str(seed)
    digits = sha1(f"{prefix}.{value}".encode(), usedforsecurity=False).hexdigest()[:15]
    return int(digits, 16) / 0xFFFFFFFFFFFFFFF


def flagd(flag_key: str, targeting_key: str, weights: Mapping[str, int]) -> str:
    """
    Give the variant that flagd's fractional targeting chooses.

    `(h * W) >> 32` with `h` MurmurHash3 (x86, 32 bits) of flag key and targeting key and `W` the
    sum of the weights, against the running sum in the order given. Raises `Invalid`.
    """
    total = sum(weights.values())
    if total <= 0 or min(weights.values(), default=0) < 0:
        raise Invalid("weights are not below 0, and at least one is above")
    place = (murmur3(flag_key + targeting_key, 0, signed=False) * total) >> 32
    for variant, weight in weights.items():
        place -= weight
        if place < 0:
            return variant
    raise AssertionError("the weights cover every place")


def _fnv1a(text: str) -> int:
    value = 0x811C9DC5
    for character in text:
        value = ((value ^ ord(character)) * 0x01000193) & 0xFFFFFFFF
    return value
