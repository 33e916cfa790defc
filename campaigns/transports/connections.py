"""Whether a request to a service's API can have left, from how it broke."""

from requests.exceptions import ConnectTimeout, ProxyError, SSLError
from urllib3.exceptions import NewConnectionError


def never_was(error: BaseException | None) -> bool:
    """Whether `error` (of requests) says that there was no connection: urllib3 tells that from one that broke."""
    reason = getattr(next(iter(error.args), None), "reason", None) if error is not None else None
    return isinstance(error, ConnectTimeout | ProxyError | SSLError) or isinstance(reason, NewConnectionError)
