"""The ids of what Purser makes."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """One that nobody else draws, and greater than those before it (RFC 9562, version 7).

    So new rows lie together at the end of an index, however large it is. With ids by chance each changed a page of its
    own, which PostgreSQL then writes to its log as a whole. By its first digits an id tells when it was drawn: they are
    no secret, and many ids have the same.
    """
    return uuid7()
