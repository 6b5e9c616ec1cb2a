"""XXH3 64-bit, seed 0, in plain Python: the reference's own hash.

The hash decides which event ids are remembered when their times are equal, so the reference needs it bit for bit; it is
written from the published algorithm, for any length, and test_reference.py holds its published values.
"""

_MASK = (1 << 64) - 1
_P32_1, _P32_2, _P32_3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
_P1, _P2, _P3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
_P4, _P5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
_SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221"
    "b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb"
    "170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
)
_STRIPE = 64
_STRIPES_PER_BLOCK = (len(_SECRET) - _STRIPE) // 8


def _u32(data, at):
    return int.from_bytes(data[at:at + 4], "little")


def _u64(data, at):
    return int.from_bytes(data[at:at + 8], "little")


def _fold(a, b):
    product = a * b
    return (product ^ (product >> 64)) & _MASK


def _swap64(x):
    return int.from_bytes(x.to_bytes(8, "little"), "big")


def _rotl(x, bits):
    return ((x << bits) | (x >> (64 - bits))) & _MASK


def _avalanche(h):
    h ^= h >> 37
    h = h * 0x165667919E3779F9 & _MASK
    return h ^ (h >> 32)


def _avalanche64(h):
    h ^= h >> 33
    h = h * _P2 & _MASK
    h ^= h >> 29
    h = h * _P3 & _MASK
    return h ^ (h >> 32)


def _mix16(data, at, key):
    return _fold(_u64(data, at) ^ _u64(_SECRET, key), _u64(data, at + 8) ^ _u64(_SECRET, key + 8))


def _up_to_16(data):
    n = len(data)
    if n > 8:
        low = _u64(data, 0) ^ _u64(_SECRET, 24) ^ _u64(_SECRET, 32)
        high = _u64(data, n - 8) ^ _u64(_SECRET, 40) ^ _u64(_SECRET, 48)
        return _avalanche((n + _swap64(low) + high + _fold(low, high)) & _MASK)
    if n >= 4:
        h = (_u32(data, n - 4) + (_u32(data, 0) << 32)) ^ _u64(_SECRET, 8) ^ _u64(_SECRET, 16)
        h ^= _rotl(h, 49) ^ _rotl(h, 24)
        h = h * 0x9FB21C651E98DF25 & _MASK
        h ^= (h >> 35) + n
        h = h * 0x9FB21C651E98DF25 & _MASK
        return h ^ (h >> 28)
    if n:
        joined = data[0] << 16 | data[n >> 1] << 24 | data[n - 1] | n << 8
        return _avalanche64(joined ^ _u32(_SECRET, 0) ^ _u32(_SECRET, 4))
    return _avalanche64(_u64(_SECRET, 56) ^ _u64(_SECRET, 64))


def _up_to_128(data):
    n = len(data)
    acc = n * _P1
    for pair in range((n - 1) // 32, -1, -1):
        acc += _mix16(data, 16 * pair, 32 * pair) + _mix16(data, n - 16 * (pair + 1), 32 * pair + 16)
    return _avalanche(acc & _MASK)


def _up_to_240(data):
    n = len(data)
    acc = n * _P1
    for i in range(8):
        acc += _mix16(data, 16 * i, 16 * i)
    acc = _avalanche(acc & _MASK)
    for i in range(8, n // 16):
        acc += _mix16(data, 16 * i, 16 * (i - 8) + 3)
    acc += _mix16(data, n - 16, 136 - 17)
    return _avalanche(acc & _MASK)


def _accumulate(acc, data, at, key):
    for i in range(8):
        value = _u64(data, at + 8 * i)
        keyed = value ^ _u64(_SECRET, key + 8 * i)
        acc[i ^ 1] = (acc[i ^ 1] + value) & _MASK
        acc[i] = (acc[i] + (keyed & 0xFFFFFFFF) * (keyed >> 32)) & _MASK


def _scramble(acc):
    for i in range(8):
        acc[i] ^= acc[i] >> 47
        acc[i] = (acc[i] ^ _u64(_SECRET, len(_SECRET) - _STRIPE + 8 * i)) * _P32_1 & _MASK


def _long(data):
    n = len(data)
    acc = [_P32_3, _P1, _P2, _P3, _P4, _P32_2, _P5, _P32_1]
    stripes = (n - 1) // _STRIPE
    for s in range(stripes):
        _accumulate(acc, data, _STRIPE * s, 8 * (s % _STRIPES_PER_BLOCK))
        if s % _STRIPES_PER_BLOCK == _STRIPES_PER_BLOCK - 1:
            _scramble(acc)
    _accumulate(acc, data, n - _STRIPE, len(_SECRET) - _STRIPE - 7)
    result = n * _P1
    for i in range(4):
        result += _fold(acc[2 * i] ^ _u64(_SECRET, 11 + 16 * i), acc[2 * i + 1] ^ _u64(_SECRET, 19 + 16 * i))
    return _avalanche(result & _MASK)


def xxh3_64(data):
    """The XXH3 64-bit hash of bytes, seed 0, as an unsigned number."""
    if len(data) <= 16:
        return _up_to_16(data)
    if len(data) <= 128:
        return _up_to_128(data)
    if len(data) <= 240:
        return _up_to_240(data)
    return _long(data)
