"""The conversation: contact flows in Amazon Connect's language, checked and run.

A call that was answered is held here, with a `Participant`. This room knows neither telephones nor
cards: what a flow wants done it asks of `Functions`, what happens it tells an observer.

What is named here is loaded when it is first asked for: the process of a telephone call uses a part
of this room and needs little of it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
