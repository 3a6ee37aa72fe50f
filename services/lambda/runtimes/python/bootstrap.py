"""Runs Python functions: the Lambda Runtime API's client, one invocation at a time.

Starting is what a cold function waits for, so nothing is imported here that the interpreter has not loaded or
compiled in: HTTP is spoken over a plain socket, and `json` and `logging` come in only when they are needed.
"""

import sys
import os
import _socket
from time import time as _time

_API = os.environ["AWS_LAMBDA_RUNTIME_API"]
_MOST_HEADER_BYTES = 1 << 20
_LOGS_JSON = os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON"


def _json_functions():
    """Reading and writing JSON by the interpreter's compiled parts, which load faster than the module around them."""
    try:
        import _json

        class Reading:
            strict = True
            object_hook = None
            object_pairs_hook = None
            parse_float = float
            parse_int = int
            parse_constant = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}.__getitem__

        def unknown(value):
            raise TypeError(f"Object of type {value.__class__.__name__} is not JSON serializable")

        as_text = _json.encode_basestring if sys.version_info >= (3, 12) else _json.encode_basestring_ascii
        scan = _json.make_scanner(Reading)

        def write(value):
            encode = _json.make_encoder({}, unknown, as_text, None, ": ", ", ", False, False, True)
            return "".join(encode(value, 0))

        scan('{"a": [1, 2.5, null, "b"]}', 0)
        write({"a": [1, 2.5, None, "b"]})
    except Exception:
        import json

        return json.loads, json.dumps

    def read(text):
        try:
            value, end = scan(text, 0)
            if end == len(text):
                return value
        except (StopIteration, ValueError):
            pass
        import json

        return json.loads(text)

    return read, write


_read_json, _write_json = _json_functions()


class _Connection:
    """One kept-alive connection to the Runtime API."""

    def __init__(self):
        host, _, port = _API.partition(":")
        self._socket = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
        self._socket.connect((host, int(port or 80)))
        self._socket.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        self._rest = b""

    def request(self, method, path, body=b"", headers=""):
        """Sends a request and returns the status, the headers by lower-case name, and the body."""
        head = (
            f"{method} /2018-06-01/runtime/{path} HTTP/1.1\r\nHost: {_API}\r\n"
            f"Content-Length: {len(body)}\r\n{headers}\r\n"
        )
        self._socket.sendall(head.encode("latin-1") + body)
        return self._answer()

    def _answer(self):
        data = self._rest
        while (end := data.find(b"\r\n\r\n")) < 0:
            if len(data) > _MOST_HEADER_BYTES:
                raise OSError("the Runtime API's answer has no end of its headers")
            data += self._more()
        status, *lines = data[:end].decode("latin-1").split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", 0))
        parts = [data[end + 4 :]]
        missing = length - len(parts[0])
        while missing > 0:
            parts.append(self._more())
            missing -= len(parts[-1])
        data = b"".join(parts)
        self._rest = data[length:]
        return int(status.split(" ", 2)[1]), headers, data[:length]

    def _more(self):
        piece = self._socket.recv(262144)
        if not piece:
            raise OSError("the Runtime API closed the connection")
        return piece


class _Attributes:
    def __init__(self, **values):
        self.__dict__.update(values)

    def __repr__(self):
        values = ",".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"{type(self).__name__}([{values}])"


class CognitoIdentity(_Attributes):
    pass


class Client(_Attributes):
    pass


class ClientContext(_Attributes):
    pass


class LambdaContext:
    """What a handler is told beside its event."""

    def __init__(self, headers):
        read = headers.get
        self.aws_request_id = read("lambda-runtime-aws-request-id", "")
        self.invoked_function_arn = read("lambda-runtime-invoked-function-arn", "")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.tenant_id = read("lambda-runtime-aws-tenant-id")
        self._deadline = int(read("lambda-runtime-deadline-ms", "0"))
        self.client_context = _client_context(read("lambda-runtime-client-context"))
        self.identity = _identity(read("lambda-runtime-cognito-identity"))

    def get_remaining_time_in_millis(self):
        return max(self._deadline - int(_time() * 1000), 0)

    def log(self, message):
        sys.stdout.write(str(message))

    def __repr__(self):
        return f"LambdaContext([aws_request_id={self.aws_request_id},function_name={self.function_name}])"


def _client_context(text):
    if not text:
        return None
    given = _read_json(text)
    if not isinstance(given, dict):
        return None
    client = given.get("client")
    if isinstance(client, dict):
        names = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")
        client = Client(**{name: client.get(name) for name in names})
    return ClientContext(custom=given.get("custom"), env=given.get("env"), client=client)


def _identity(text):
    given = _read_json(text) if text else {}
    return CognitoIdentity(
        cognito_identity_id=given.get("cognitoIdentityId"),
        cognito_identity_pool_id=given.get("cognitoIdentityPoolId"),
    )


class _LoggingHook:
    """Gives the root logger Lambda's format as soon as somebody imports `logging`."""

    def find_spec(self, name, path=None, target=None):
        if name != "logging":
            return None
        sys.meta_path.remove(self)
        from importlib.machinery import PathFinder

        spec = PathFinder.find_spec(name, path)
        if spec is None or spec.loader is None:
            return spec
        run = spec.loader.exec_module

        def run_and_set_up(module):
            run(module)
            _set_up_logging(module)

        spec.loader.exec_module = run_and_set_up
        return spec


_current_request = ""


def _json_formatter(logging):
    """One JSON object per record, with what was given as `extra`."""
    import json
    import time

    usual = set(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {"aws_request_id", "message", "asctime"}

    class Formatter(logging.Formatter):
        def format(self, record):
            seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            line = {
                "timestamp": f"{seconds}.{int(record.msecs):03d}Z",
                "level": record.levelname,
                "message": record.getMessage(),
                "logger": record.name,
                "requestId": record.aws_request_id or None,
            }
            if record.exc_info and record.exc_info[0]:
                kind, error, trace = record.exc_info
                line["stackTrace"] = self.formatException(record.exc_info).split("\n")
                line["errorType"], line["errorMessage"] = kind.__name__, str(error)
                while trace and trace.tb_next:
                    trace = trace.tb_next
                if trace:
                    code = trace.tb_frame.f_code
                    line["location"] = f"{code.co_filename}:{code.co_name}:{trace.tb_lineno}"
            for name, value in record.__dict__.items():
                if name not in usual and name not in line:
                    line[name] = value
            line = {name: value for name, value in line.items() if value is not None}
            return json.dumps(line, ensure_ascii=False, default=str)

    return Formatter()


def _set_up_logging(logging):
    import time

    class RequestId(logging.Filter):
        def filter(self, record):
            record.aws_request_id = _current_request
            return True

    class Stdout(logging.StreamHandler):
        """Writes to what is standard output now, which a function may have replaced."""

        def __init__(self):
            logging.Handler.__init__(self)

        stream = property(lambda self: sys.stdout)

    if _LOGS_JSON:
        formatter = _json_formatter(logging)
    else:
        formatter = logging.Formatter(
            "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s", "%Y-%m-%dT%H:%M:%S"
        )
        formatter.converter = time.gmtime
    handler = Stdout()
    handler.setFormatter(formatter)
    handler.addFilter(RequestId())
    logging.root.addHandler(handler)
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL")
    if level:
        logging.root.setLevel({"TRACE": "DEBUG", "FATAL": "CRITICAL"}.get(level, level))


class _Fault(Exception):
    """A handler that cannot be called; every invocation answers why."""

    def __init__(self, kind, message, trace=()):
        super().__init__(message)
        self.kind = kind
        self.trace = list(trace)


def _load(name):
    """The handler that `name` stands for: `file.function`, `folder/file.function`, `package.module.function`."""
    module_name, dot, function_name = name.rpartition(".")
    if not dot:
        message = f"Bad handler '{name}': not enough values to unpack (expected 2, got 1)"
        raise _Fault("Runtime.MalformedHandlerName", message)
    module_name = module_name.replace("/", ".")
    try:
        # `importlib` would do the same, and would have to be loaded first.
        __import__(module_name)
        module = sys.modules[module_name]
    except ImportError as error:
        raise _Fault(
            "Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}", _trace(error)
        ) from error
    except SyntaxError as error:
        place = f'  File "{error.filename}" Line {error.lineno}\n    {error.text}'
        raise _Fault(
            "Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}", [place]
        ) from error
    try:
        return getattr(module, function_name)
    except AttributeError:
        message = f"Handler '{function_name}' missing on module '{module_name}'"
        raise _Fault("Runtime.HandlerNotFound", message) from None


def _trace(error):
    """The frames of user code, as the stack trace of an answer has them."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    here = _trace.__code__.co_filename

    def own(frame):
        return frame.filename == here or frame.filename.startswith("<frozen importlib")

    return traceback.format_list([frame for frame in frames if not own(frame)])


def _error_answer(error, request_id):
    if isinstance(error, _Fault):
        kind, trace = error.kind, error.trace
    else:
        kind, trace = type(error).__name__, _trace(error)
    answer = {"errorMessage": str(error), "errorType": kind}
    if request_id:
        answer["requestId"] = request_id
    answer["stackTrace"] = trace
    if _LOGS_JSON:
        import time

        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        line = {"timestamp": stamp, "log_level": "ERROR", "level": "ERROR", **answer}
        sys.stdout.write(_write_json(line) + "\n")
        _flush()
        return kind, _write_json(answer).encode()
    lines = [f"[ERROR] {kind}: {error}"]
    if trace:
        lines += ["Traceback (most recent call last):"] + [line.rstrip("\n") for line in trace]
    # Carriage returns keep the error one event of the log.
    sys.stdout.write("\r".join(line.replace("\n", "\r") for line in lines) + "\n")
    _flush()
    return kind, _write_json(answer).encode()


def _flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass


def _marshalled(result):
    if isinstance(result, (bytes, bytearray)):
        return bytes(result)
    try:
        return _write_json(result).encode("utf-8", "surrogatepass")
    except Exception as error:
        raise _Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from error


def _invoke(handler, fault, headers, body):
    """Runs the handler on one event; returns what to post and where."""
    global _current_request
    context = LambdaContext(headers)
    _current_request = request_id = context.aws_request_id
    trace = headers.get("lambda-runtime-trace-id")
    if trace:
        os.environ["_X_AMZN_TRACE_ID"] = trace
    try:
        if fault is not None:
            raise fault
        try:
            event = _read_json(body.decode("utf-8")) if body else None
        except Exception as error:
            raise _Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from error
        answer = _marshalled(handler(event, context))
        _flush()
        return f"invocation/{request_id}/response", answer, ""
    except Exception as error:
        kind, answer = _error_answer(error, request_id)
        return f"invocation/{request_id}/error", answer, f"Lambda-Runtime-Function-Error-Type: {kind}\r\n"


def _main():
    connection = _Connection()
    sys.path[:] = [path for path in sys.path if path and path != os.path.dirname(__file__)]
    for path in reversed([os.environ["LAMBDA_TASK_ROOT"], *os.environ.get("BRUME_PYTHON_PACKAGES", "").split(":")]):
        if path and path not in sys.path:
            sys.path.insert(0, path)
    os.environ.pop("BRUME_PYTHON_PACKAGES", None)
    sys.meta_path.insert(0, _LoggingHook())
    sys.stdout.reconfigure(line_buffering=True)
    handler = fault = None
    try:
        handler = _load(os.environ.get("_HANDLER", ""))
    except _Fault as error:
        fault = error
    except BaseException as error:
        kind, answer = _error_answer(error, None)
        connection.request("POST", "init/error", answer, f"Lambda-Runtime-Function-Error-Type: {kind}\r\n")
        sys.exit(1)
    while True:
        status, headers, body = connection.request("GET", "invocation/next")
        if status != 200:
            raise OSError(f"the Runtime API answered {status} to a request for the next event")
        path, answer, extra = _invoke(handler, fault, headers, body)
        connection.request("POST", path, answer, "Content-Type: application/json\r\n" + extra)


if __name__ == "__main__":
    _main()
