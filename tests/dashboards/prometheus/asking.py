"""A client of the API that knows its envelope."""

from urllib.parse import urlencode

from tests.dashboards.web.seeded import NOW_S


class Asking:
    """Asks by GET or POST; ``data`` is what a success holds."""

    def __init__(self, visitor):
        self.visitor = visitor

    def get(self, path, **asked):
        return self.visitor.get(f"/api/v1/{path}?{urlencode(asked, doseq=True)}")

    def post(self, path, in_url=(), **asked):
        body = urlencode(asked, doseq=True)
        form = {"content-type": "application/x-www-form-urlencoded"}
        url = f"/api/v1/{path}?{urlencode(dict(in_url), doseq=True)}"
        return self.visitor.request("POST", url, content=body, headers=form)

    def data(self, path, **asked):
        answer = self.get(path, **asked)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/json"
        body = answer.json()
        assert body["status"] == "success"
        return body["data"]

    def value(self, query, at_s=NOW_S):
        """Return the value of the only element of an instant query."""
        (one,) = self.data("query", query=query, time=at_s)["result"]
        return float(one["value"][1])
