"""Runs a script: its commands, its assertions, and the report of what failed.

Assertions are counted: passed or failed. A command that is no assertion is counted only when it fails.
"""

from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

from . import engine
from .engine import (
    Engine,
    GuestException,
    InvalidError,
    LinkError,
    MalformedError,
    StackExhausted,
    Trap,
)
from .forms import Form, Source
from .values import Value, argument, matches, show


class Failure(Exception):
    """A command did not do what the script says; the message says what happened instead."""


@dataclass
class Report:
    """Outcome of one script or of many."""

    passed: int = 0
    failures: list[str] = field(default_factory=list)

    def add(self, other: "Report") -> None:
        self.passed += other.passed
        self.failures += other.failures

    def __str__(self) -> str:
        return f"{self.passed} passed, {len(self.failures)} failed"


def run_file(path: Path, name: str | None = None, features: Mapping[str, bool] | None = None, **options: Any) -> Report:
    """Run one script, in a store that is made with `options`."""
    return Script(Source(path.read_bytes(), name or str(path)), features, **options).run()


class Script:
    """State of one script: its engine, its modules and instances by name, its threads, its report.

    The name None stands for the latest. A module that did not load leaves the exception that says
    why, so that the assertions which need it fail with it.
    """

    def __init__(self, source: Source, features: Mapping[str, bool] | None = None, **options: Any) -> None:
        self.source = source
        self.features = features or {}
        self.options = options
        self.engine = Engine(engine.features_with(self.features), **options)
        self.report = Report()
        self.modules: dict[str | None, Any] = {}
        self.instances: dict[str | None, Any] = {}
        self.threads: dict[str, tuple[Thread, Script]] = {}

    def run(self) -> Report:
        try:
            forms = self.source.forms()
        except MalformedError as error:
            self.report.failures.append(f"{self.source.name}:{error.line}: {error.message}")
            return self.report
        if forms and not any(form.head in COMMANDS for form in forms):
            # A script may be just the fields of one module, as the reference interpreter allows.
            self.source = Source(b"(module " + self.source.data + b")", self.source.name)
            forms = self.source.forms()
        self._commands(forms)
        for name in list(self.threads):
            self._join(name)
        return self.report

    def _commands(self, forms: list[Form]) -> None:
        for form in forms:
            self._command(form)

    def _command(self, form: Form) -> None:
        is_assertion = form.head.startswith("assert_")
        try:
            command = COMMANDS.get(form.head)
            if command is None:
                raise Failure("unknown command")
            command(self, form)
            self.report.passed += is_assertion
        except Failure as error:
            self._fail(form, str(error))
        except Exception as error:
            self._fail(form, f"{type(error).__name__}: {error}")

    def _fail(self, form: Form, message: str) -> None:
        place = f"{self.source.name}:{self.source.line(form.start)}"
        self.report.failures.append(f"{place}: {' '.join(message.split())} in {self.source.spelling(form)}")

    # modules and instances

    def _binary(self, form: Form) -> bytes:
        return engine.binary(self.source, form, self.engine.features)

    def do_module(self, form: Form) -> None:
        names = [item for item in form[1:] if isinstance(item, str) and item.startswith("$")]
        name = names[0] if names else None
        if "instance" in form:
            self._instantiate(name, names[1] if len(names) > 1 else None)
            return
        with self._remember(self.modules, name):
            self.modules[name] = self.modules[None] = self.engine.load(self._binary(form))
        if "definition" not in form:
            self._instantiate(name, name)

    def _instantiate(self, name: str | None, module_name: str | None) -> None:
        with self._remember(self.instances, name):
            module = _found(self.modules, module_name, "module")
            self.instances[name] = self.instances[None] = self.engine.instantiate(module)

    @contextmanager
    def _remember(self, where: dict[str | None, Any], name: str | None) -> Any:
        """Keep what prevented a module or instance, in its place."""
        try:
            yield
        except Exception as error:
            reason = Failure(f"needs a module that did not load ({error})")
            where[name] = where[None] = reason
            if where is self.modules:
                self.instances[name] = self.instances[None] = reason
            raise

    def do_register(self, form: Form) -> None:
        name = _string(form, 1)
        instance = _found(self.instances, form[2] if len(form) > 2 else None, "instance")
        self.engine.register(name, instance)

    # actions

    def do_action(self, form: Form) -> tuple[Value, ...]:
        has_name = isinstance(form[1], str)
        instance = _found(self.instances, form[1] if has_name else None, "instance")
        name = _string(form, 1 + has_name)
        if form.head == "get":
            return (engine.get(instance, name),)
        if form.head != "invoke":
            raise Failure(f"unknown action {form.head}")
        arguments = [argument(item) for item in form[2 + has_name :] if isinstance(item, Form)]
        return engine.invoke(instance, name, arguments)

    # threads: `(thread $T (shared (module $M)…) command…)` runs commands beside this script, in a script of
    # their own that knows only the modules that are shared; `(wait $T)` waits for its end

    def do_thread(self, form: Form) -> None:
        name = form[1]
        if not isinstance(name, str) or name in self.threads:
            raise Failure("a new name expected")
        commands = [item for item in form[2:] if isinstance(item, Form)]
        script = Script(self.source, self.features, **self.options)
        if commands and commands[0].head == "shared":
            for module in commands.pop(0).modules():
                shared = module[1] if len(module) > 1 else None
                script.instances[shared] = script.instances[None] = _found(self.instances, shared, "instance")
        thread = Thread(target=script._commands, args=(commands,), name=f"{self.source.name} {name}", daemon=True)
        self.threads[name] = thread, script
        thread.start()

    def do_wait(self, form: Form) -> None:
        if len(form) < 2 or form[1] not in self.threads:
            raise Failure("no such thread")
        self._join(form[1])

    def _join(self, name: Any) -> None:
        thread, script = self.threads.pop(name)
        thread.join()
        self.report.add(script.report)

    # assertions

    def do_assert_return(self, form: Form) -> None:
        values = self.do_action(_form(form, 1))
        patterns = [item for item in form[2:] if isinstance(item, Form)]
        if len(values) != len(patterns) or not all(map(matches, patterns, values)):
            raise Failure(f"got {show(values, patterns)}")

    def _expect(self, kind: type[Exception], action: Callable[[], object], message: str | None) -> None:
        """`action` must raise this kind of error, with a message that begins as the script says."""
        try:
            action()
        except kind as error:
            text = str(getattr(error, "message", error))
            if message is not None and not text.startswith(message):
                raise Failure(f"wrong message {text!r}, expected {message!r},") from None
        else:
            raise Failure(f"no {kind.__name__}")

    def do_assert_trap(self, form: Form) -> None:
        what = _form(form, 1)
        if what.head == "module":
            module = self.engine.load(self._binary(what))
            self._expect(Trap, lambda: self.engine.instantiate(module), _string(form, 2))
        else:
            self._expect(Trap, lambda: self.do_action(what), _string(form, 2))

    def do_assert_exhaustion(self, form: Form) -> None:
        self._expect(StackExhausted, lambda: self.do_action(_form(form, 1)), _string(form, 2))

    def do_assert_exception(self, form: Form) -> None:
        self._expect(GuestException, lambda: self.do_action(_form(form, 1)), None)

    def do_assert_invalid(self, form: Form) -> None:
        data = self._binary(_form(form, 1))
        self._expect(InvalidError, lambda: self.engine.load(data), _string(form, 2))

    def do_assert_malformed(self, form: Form) -> None:
        what = _form(form, 1)
        self._expect(MalformedError, lambda: self.engine.load(self._binary(what)), _string(form, 2))

    def do_assert_unlinkable(self, form: Form) -> None:
        module = self.engine.load(self._binary(_form(form, 1)))
        self._expect(LinkError, lambda: self.engine.instantiate(module), _string(form, 2))

    def do_assert_invalid_custom(self, form: Form) -> None:
        what = _form(form, 1)
        self._expect(InvalidError, lambda: self.engine.load(self._binary(what)), _string(form, 2))


COMMANDS: dict[str, Callable[[Script, Form], object]] = {
    "module": Script.do_module,
    "register": Script.do_register,
    "invoke": Script.do_action,
    "get": Script.do_action,
    "thread": Script.do_thread,
    "wait": Script.do_wait,
    "assert_return": Script.do_assert_return,
    "assert_trap": Script.do_assert_trap,
    "assert_exhaustion": Script.do_assert_exhaustion,
    "assert_exception": Script.do_assert_exception,
    "assert_invalid": Script.do_assert_invalid,
    "assert_malformed": Script.do_assert_malformed,
    "assert_unlinkable": Script.do_assert_unlinkable,
    "assert_malformed_custom": Script.do_assert_malformed,
    "assert_invalid_custom": Script.do_assert_invalid_custom,
}


def _found(where: dict[str | None, Any], name: Any, what: str) -> Any:
    if name not in where:
        raise Failure(f"no {what} {name or ''}".rstrip())
    found = where[name]
    if isinstance(found, Exception):
        raise found.with_traceback(None)
    return found


def _form(form: Form, at: int) -> Form:
    item = form[at] if at < len(form) else None
    if not isinstance(item, Form):
        raise Failure(f"{form.head}: list expected")
    return item


def _string(form: Form, at: int) -> str:
    item = form[at] if at < len(form) else None
    if not isinstance(item, bytes):
        raise Failure(f"{form.head}: string expected")
    return item.decode("utf-8")
