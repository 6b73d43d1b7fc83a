"""The telephone: lines that place calls, the phones that answer them, and speech.

What is named here is loaded when it is first asked for: the process of a telephone call uses parts
of this room and needs none of it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
