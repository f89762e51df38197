"""The API itself in trouble: the requests that come next fail, before or after they were carried out."""

from modelpick_simulators.stripe.errors import StripeError


class Outage:
    """Fails the next `count` requests to addresses that begin with `path`, with `status`.

    `after`: the request is carried out all the same, and only its answer is lost. `kept`: changing
    requests fail, and the failure is what their idempotency key is answered from then on.
    """

    def __init__(self) -> None:
        self.plan()

    def plan(
        self,
        *,
        count: int = 0,
        status: int = 500,
        path: str = "/v1",
        after: bool = False,
        kept: bool = False,
    ) -> None:
        self.count = count
        self.status = status
        self.path = path
        self.after = after
        self.kept = kept

    def meet(self, method: str, path: str) -> None:
        if not self.kept and not (self.after and method == "POST"):
            self._fail(path)

    def lose_answer(self, method: str, path: str) -> None:
        if self.after and method == "POST":
            self._fail(path)

    def fail_for_good(self, path: str) -> None:
        """Fail a changing request in the way that its idempotency key keeps."""
        if self.kept:
            self._fail(path)

    def _fail(self, path: str) -> None:
        if self.count > 0 and path.startswith(self.path):
            self.count -= 1
            raise StripeError("An unknown error occurred", status=self.status, kind="api_error")
