"""A witness: a small server with a key and a memory of its own that cosigns the checkpoints of other logs.

C2SP tlog-witness, `POST /add-checkpoint`; and a page that says what it watches. No database, nothing of the
house it may stand in: museums run one for each other. Left out: bastions and retrieval by monitors.
"""
