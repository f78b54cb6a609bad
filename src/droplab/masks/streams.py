"""Keys of further draws within one call of a layer, and keys of what is not drawn for each sample."""

from __future__ import annotations

from droplab import rng
from droplab.masks.key import Key


def stream(key: Key | None, number: int) -> Key | None:
    """The key of a layer's draw ``number``, counted from 0, which is the key itself.

    >>> stream(Key(seed=1, layer=5), 1).layer == 5 + 0x9E3779B9
    True
    """
    return None if key is None else key._replace(layer=(key.layer_id + rng.STREAM * number) & 0xFFFFFFFF)


def whole(key: Key | None, number: int = 0) -> Key | None:
    """The same without samples, for a mask on parameters: the shards of a batch then agree.

    >>> whole(Key(seed=1, layer=5, step=2, samples=7))
    Key(seed=1, layer=5, step=2, samples=0, batch_dim=None)
    """
    found = stream(key, number)
    return None if found is None else found._replace(samples=0, batch_dim=None)
