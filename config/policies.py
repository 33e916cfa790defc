"""The content policy of the admin: unfold needs inline styles and `eval`; our own pages do not get them."""

from collections.abc import Callable

from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.http import HttpRequest, HttpResponseBase

ADMIN_POLICY = {
    "default-src": [SELF],
    "img-src": [SELF, "data:"],
    "style-src": [SELF, UNSAFE_INLINE],
    "script-src": [SELF, UNSAFE_INLINE, UNSAFE_EVAL],
    "object-src": [NONE],
    "frame-ancestors": [NONE],
}


class AdminContentPolicy:
    """Gives pages below /admin/ a policy of their own; stands inside CSPMiddleware, which reads the mark."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.path.startswith("/admin/"):
            response._csp_replace = ADMIN_POLICY  # type: ignore[attr-defined]  # django-csp reads this attribute
        return response
