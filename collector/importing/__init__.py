"""History of another system into the store: `meshscope import`.

Map: ``cli`` the command; ``plan`` which pieces of time and series there are to read; ``source`` the
Prometheus that is read; ``raw`` series as they are read and written; ``target`` what takes it:
``server``, or the ``file`` of a stopped one; ``journal`` what is done, so that it can be resumed;
``run`` all of it together.
"""
