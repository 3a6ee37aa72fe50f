"""An HTTP server inside the test, for what the region sends out."""

import http.server
import threading


class Listener:
    """Keeps what is posted to it as (headers, body); answers `status`."""

    def __init__(self, status=200):
        self.status, self.posts = status, []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.posts.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(outer.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/inbox"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def of_type(self, kind):
        """The bodies of posts whose x-amz-sns-message-type is `kind`."""
        return [body for headers, body in list(self.posts) if headers.get("x-amz-sns-message-type") == kind]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
