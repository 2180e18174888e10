"""The runtime of functions in Python: loads the handler, asks for events, tells what became of them.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""
import decimal
import http.client
import importlib
import json
import logging
import os
import sys
import time
import traceback

BASE = "/2018-06-01/runtime"


class Fault(Exception):
    """What is wrong with the function before its own code can be."""

    def __init__(self, kind, message, trace=None):
        super().__init__(message)
        self.kind, self.trace = kind, trace


class Identity:
    cognito_identity_id = None
    cognito_identity_pool_id = None


class Client:
    def __init__(self, fields):
        for name in ("installation_id", "app_title", "app_version_name", "app_version_code",
                     "app_package_name"):
            setattr(self, name, fields.get(name))


class ClientContext:
    def __init__(self, fields):
        self.client = Client(fields.get("client") or {})
        self.custom = fields.get("custom")
        self.env = fields.get("env")


class Context:
    def __init__(self, headers):
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = Identity()
        said = headers.get("Lambda-Runtime-Client-Context")
        self.client_context = ClientContext(json.loads(said)) if said else None
        self._deadline_ms = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self):
        return max(0, self._deadline_ms - int(time.time() * 1000))

    def log(self, text):
        sys.stdout.write(str(text))


class Lines(logging.Handler):
    """Records as Lambda prints them: level, time, request, text."""
    request = ""

    def emit(self, record):
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        try:
            text = self.format(record)
        except Exception:
            self.handleError(record)
            return
        sys.stdout.write(f"[{record.levelname}]\t{when}.{int(record.msecs):03d}Z\t{self.request}\t"
                         f"{text}\n")


class Runtime:
    def __init__(self):
        self.address = os.environ["AWS_LAMBDA_RUNTIME_API"]
        self.connection = http.client.HTTPConnection(self.address)

    def ask(self, method, path, body=None, kind=None):
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if kind:
            headers["Lambda-Runtime-Function-Error-Type"] = kind
        self.connection.request(method, BASE + path, body=body, headers=headers)
        reply = self.connection.getresponse()
        return reply.status, reply.headers, reply.read()

    def fail(self, path, kind, document):
        print_error(document)
        self.ask("POST", path, json.dumps(document).encode(), kind)


def print_error(document):
    text = f"[ERROR] {document['errorType']}: {document['errorMessage']}"
    if document["stackTrace"]:
        text += "\nTraceback (most recent call last):\n" + "".join(document["stackTrace"])
    print(text.rstrip("\n"))
    sys.stdout.flush()


def error_of(kind, message, trace, request):
    return {"errorMessage": message, "errorType": kind, "requestId": request, "stackTrace": trace}


def load(handler):
    try:
        module, name = handler.rsplit(".", 1)
    except ValueError as why:
        raise Fault("Runtime.MalformedHandlerName", f"Bad handler '{handler}': {why}")
    try:
        loaded = importlib.import_module(module.replace("/", "."))
    except ImportError as why:
        raise Fault("Runtime.ImportModuleError", f"Unable to import module '{module}': {why}")
    except SyntaxError as why:
        where = f'  File "{why.filename}" Line {why.lineno}\n    {why.text}\n'
        raise Fault("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module}': {why}",
                    [where])
    try:
        return getattr(loaded, name)
    except AttributeError:
        raise Fault("Runtime.HandlerNotFound", f"Handler '{name}' missing on module '{module}'")


def plain(value):
    if isinstance(value, decimal.Decimal):
        return float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def call(handler, event, context):
    try:
        event = json.loads(event.decode("utf-8"))
    except Exception as why:
        raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {why}")
    result = handler(event, context)
    try:
        return json.dumps(result, default=plain).encode()
    except Exception as why:
        raise Fault("Runtime.MarshalError", f"Unable to marshal response: {why}")


def serve(runtime, handler, lines):
    _, headers, event = runtime.ask("GET", "/invocation/next")
    context = Context(headers)
    lines.request = request = context.aws_request_id
    os.environ.pop("_X_AMZN_TRACE_ID", None)
    if headers.get("Lambda-Runtime-Trace-Id"):
        os.environ["_X_AMZN_TRACE_ID"] = headers["Lambda-Runtime-Trace-Id"]
    try:
        answer = call(handler, event, context)
        sys.stdout.flush()
        runtime.ask("POST", f"/invocation/{request}/response", answer)
    except Fault as why:
        runtime.fail(f"/invocation/{request}/error", why.kind,
                     error_of(why.kind, str(why), why.trace or [], request))
    except Exception as why:
        kind = type(why).__name__
        # without what is ours
        frames = [f for f in traceback.extract_tb(why.__traceback__) if f.filename != __file__]
        runtime.fail(f"/invocation/{request}/error", kind,
                     error_of(kind, str(why), traceback.format_list(frames), request))


def main():
    runtime, lines = Runtime(), Lines()
    logging.getLogger().addHandler(lines)
    sys.stdout.reconfigure(line_buffering=True)
    version = "python%d.%d" % sys.version_info[:2]
    sys.path[:0] = [os.environ["LAMBDA_TASK_ROOT"], f"/opt/python/lib/{version}/site-packages",
                    "/opt/python"]
    sys.modules.setdefault("bootstrap", sys.modules["__main__"])
    try:
        handler = load(os.environ["_HANDLER"])
    except Fault as why:
        runtime.fail("/init/error", why.kind, error_of(why.kind, str(why), why.trace or [], ""))
        sys.exit(1)
    except Exception as why:
        kind = type(why).__name__
        frames = [f for f in traceback.extract_tb(why.__traceback__)
                  if f.filename != __file__ and "importlib" not in f.filename]
        runtime.fail("/init/error", kind,
                     error_of(kind, str(why), traceback.format_list(frames), ""))
        sys.exit(1)
    while True:
        serve(runtime, handler, lines)


if __name__ == "__main__":
    main()
