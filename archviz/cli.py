"""The command line: arguments in, data on stdout, messages on stderr, one documented exit status.

Start reading at `main`. A command is a row of `_COMMANDS`: its name, its function, what it adds to the parser, and
examples. Commands hold no logic: each calls `archviz.pipeline`, or the room below it that needs no interpreter, and prints.
Imports that cost time stand in the functions that need them.
"""

from __future__ import annotations

import argparse
import errno
import gc
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from archviz import __version__
from archviz.arguments import (
    STATUSES,
    HelpText,
    Parser,
    cache_arguments,
    checkpoint_arguments,
    code_search_arguments,
    draw_arguments,
    model_arguments,
    name_argument,
    no_arguments,
    papers_arguments,
    sources_arguments,
    trace_arguments,
    verify_arguments,
)
from archviz.errors import EXIT_DONE_WITH_GAPS, ArchvizError, ModelNotFoundError, UsageError
from archviz.formats import figure_name, parse_formats, split_suffix
from archviz.records import record
from archviz.settings import Settings

if TYPE_CHECKING:
    from archviz.architecture.model import GapEntry

_SHOWN = 10  # gaps and findings listed on stderr before "… and N more"
_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The arguments without the program's name; those of the process by default.

    Returns:
        The exit status; see `archviz --help`.
    """
    if argv is None:
        gc.disable()  # one command a process: looking for garbage among syntax trees costs a third of its time
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks × still gets its answer
    try:
        status = _run(arguments)
        if sys.stdout is not None:  # closed by the caller
            sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough: `archviz tensors MODEL | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def _run(arguments: list[str]) -> int:
    as_json = "--json" in arguments
    try:
        options = _parser(arguments).parse_args(arguments)
        status: int = options.run(options)
    except SystemExit as stop:  # --help and --version
        return stop.code if isinstance(stop.code, int) else 2
    except KeyboardInterrupt:
        print("archviz: interrupted", file=sys.stderr)
        return _INTERRUPTED
    except ArchvizError as error:
        return _fail(error, as_json=as_json)
    except BrokenPipeError:
        raise
    except OSError as error:
        return _fail(_file_error(error), as_json=as_json)
    except Exception as error:
        if "--debug" in arguments:
            import traceback

            traceback.print_exc()
        fault = ArchvizError(
            f"internal fault: {type(error).__name__}: {' '.join(str(error).split())[:300]}",
            hint="this is a bug of archviz; --debug shows where it is",
        )
        return _fail(fault, as_json=as_json)
    return status


def _file_error(error: OSError) -> ArchvizError:
    """A file that cannot be read or written is the caller's to mend; any other system error is not."""
    reason = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG):
        return UsageError(f"the output cannot be written: {reason}", hint="check the space and the target")
    if error.filename is None:
        return ArchvizError(f"internal fault: {reason}", hint="--debug shows where it is")
    return UsageError(f"{reason}: {str(error.filename)[:200]}", hint="check the path and its permissions")


def _fail(error: ArchvizError, *, as_json: bool) -> int:
    print(f"archviz: error: {_shown(str(error), lines=True)}", file=sys.stderr)
    if as_json:
        _print_json(error.as_dict())
    elif isinstance(error, ModelNotFoundError):
        _list_on_stderr([f"candidate: {name}" for name in error.candidates if name not in str(error)], "candidates")
    return error.exit_status


def _shown(text: str, *, lines: bool = False) -> str:
    """Text from a model as a terminal may get it: without control characters, on one line unless it may have several.

    >>> _shown("a\\x1b[31mb\\nc")
    'a\\\\x1b[31mb\\\\x0ac'
    """
    return "".join(c if c.isprintable() or (lines and c == "\n") else f"\\x{ord(c):02x}" for c in text)


# --- the commands ---------------------------------------------------------------------------------------------------


def _resolve(options: argparse.Namespace) -> int:
    from archviz.lookup.resolve import resolve  # a name needs no interpreter, which the pipeline loads

    found = resolve(options.name, _settings(options))
    if options.json:
        _print_json(found.as_dict())
    elif found.model_id and not found.exit_status:
        print(found.model_id)
    else:
        for candidate in found.candidates:
            print(f"{candidate.id}  ({candidate.why})")
    print(f"archviz: {found.status}: {found.message}", file=sys.stderr)
    return found.exit_status


def _tensors(options: argparse.Namespace) -> int:
    from archviz import pipeline

    answer = pipeline.tensors(options.model, class_name=options.class_name, settings=_settings(options))
    if options.json:
        _print_json(answer)
    else:
        print(f"class   {_shown(answer['class'])}\nparams  {answer['params']:,}\ndigest  {answer['digest']}\n")
        for name, shape in answer["tensors"].items():
            print(f"{_shown(name)}  {shape}")
        for alias, name in answer["tied"].items():
            print(f"{_shown(alias)} = {_shown(name)}")
    return _with_gaps(answer["gaps"])


def _trace(options: argparse.Namespace) -> int:
    from archviz import pipeline

    answer = pipeline.trace(
        options.model,
        class_name=options.class_name,
        batch=options.batch,
        seq=options.seq,
        pixels=options.pixels,
        module=options.module,
        cache=options.cache,
        settings=_settings(options),
    )
    if options.json:
        _print_json(answer)
    else:
        for call in answer["calls"]:
            row = f"{call['module'] or '(model)'}  {call['class']}  {call['in']} → {call['out']}  {call['at'] or ''}"
            print(_shown(row.rstrip()))
        for layer in answer.get("cache", []):
            held = ", ".join(f"{name} {each['shape']} {each['dtype']}" for name, each in layer["tensors"].items())
            row = f"cache {layer['part']} {layer['layer']}  {layer['kind']}  {held or '-'}  {layer['module'] or ''}"
            print(_shown(row.rstrip()))
    return _with_gaps(answer["gaps"])


def _describe(options: argparse.Namespace) -> int:
    from archviz import pipeline

    architecture = pipeline.describe(options.model, class_name=options.class_name, settings=_settings(options))
    print(architecture.to_json(indent=2) if options.json else pipeline.describe_text(architecture).rstrip("\n"))
    return _with_gaps([_gap(gap) for gap in architecture.gaps])


def _draw(options: argparse.Namespace) -> int:
    from archviz import pipeline

    output, suffix = split_suffix(options.output or Path(figure_name(options.model)))
    formats = parse_formats(options.format or suffix or "png")
    result = pipeline.draw(
        options.model,
        output,
        formats,
        class_name=options.class_name,
        theme=options.theme,
        settings=_settings(options),
        figure_config=options.figure_config,
    )
    if options.json:
        from archviz.answers import draw_answer

        _print_json(draw_answer(result))
    else:
        print(*result.files, sep="\n")
    _list_on_stderr([f"{finding.severity}: {finding.message}" for finding in result.findings], "findings")
    _with_gaps([_gap(gap) for gap in result.gaps])
    return result.exit_status


def _code_search(options: argparse.Namespace) -> int:
    from archviz import pipeline
    from archviz.codesearch.text import printable, result_text

    topics = [name.strip() for name in ",".join(options.topics).split(",") if name.strip()]
    result = pipeline.code_search(
        options.path, topics, class_name=options.class_name, limit=options.limit, settings=_settings(options)
    )
    if options.json:
        _print_json(result.as_dict())
    else:
        print(result_text(result), end="")
    rows = [f"skipped: {row.file}" + (f":{row.line}" if row.line else "") + f": {row.reason}" for row in result.skipped]
    _list_on_stderr([printable(row) for row in rows], "skipped files")
    ended = f"; ended at the {result.truncated_by}" if result.truncated_by else ""
    print(f"archviz: {len(result.matches):,} matches, files searched: {result.files:,}{ended}", file=sys.stderr)
    return EXIT_DONE_WITH_GAPS if result.has_gaps else 0


def _verify(options: argparse.Namespace) -> int:
    from archviz import pipeline
    from archviz.verify.report import verification_text

    result = pipeline.verify(
        options.model,
        expect=options.expect,
        against=options.against,
        class_name=options.class_name,
        settings=_settings(options),
    )
    if options.json:
        _print_json(result.as_dict())
    else:
        print(verification_text(result), end="")
    _with_gaps([_gap(gap) for gap in result.gaps])
    return result.exit_status


def _sources(options: argparse.Namespace) -> int:
    from archviz import pipeline
    from archviz.survey.text import survey_text

    survey = pipeline.sources(options.name, with_text=options.text, settings=_settings(options))
    if options.json:
        _print_json(survey.as_dict())
    else:
        print(_shown(survey_text(survey), lines=True), end="")
    return survey.exit_status


def _papers(options: argparse.Namespace) -> int:
    from archviz import pipeline
    from archviz.lookup.papers import paper_text

    answer = pipeline.papers(options.name, sections=options.sections, settings=_settings(options))
    if options.json:
        _print_json(answer.as_dict())
    else:
        print(_shown(paper_text(answer), lines=True), end="")
    print(f"archviz: {answer.status}: {_shown(answer.message)}", file=sys.stderr)
    return answer.exit_status


def _checkpoint(options: argparse.Namespace) -> int:
    from archviz.sources.stored import read_checkpoint

    found = read_checkpoint(options.model, _settings(options))
    if options.json:
        _print_json(found.as_dict())
    elif options.csv:
        import csv

        csv.writer(sys.stdout, lineterminator="\n").writerows(found.csv_rows())
    else:
        for row in found.tensors:
            print(f"{_shown(row.name)}  {list(row.shape)}  {row.dtype}  {row.file}")
    _list_on_stderr(found.problems, "problems")
    print(f"archviz: {len(found.tensors):,} tensors stored", file=sys.stderr)
    return EXIT_DONE_WITH_GAPS if found.problems else 0


def _cache(options: argparse.Namespace) -> int:
    from archviz.network.cache import Cache

    cache = Cache()
    info = cache.clear() if options.action == "clear" else cache.info()
    if options.json:
        _print_json({"action": options.action, **info.as_dict()})
    else:
        what = "deleted" if options.action == "clear" else "holds"
        print(f"{info.folder} {what} {info.entries:,} entries, {info.bytes:,} bytes (at most {info.most_bytes:,})")
    return 0


def _schema(options: argparse.Namespace) -> int:
    from archviz.schemas import schema_text

    print(schema_text(), end="")
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from archviz.doctor import examine, report

    checks = examine()
    if options.json:
        _print_json(report(checks))
    else:
        for check in checks:
            print(f"{'ok' if check.ok else 'NO':3} {check.name:16} {check.value}")
    _list_on_stderr([f"{check.name}: {check.hint}" for check in checks if check.hint], "hints")
    return 0 if all(check.ok for check in checks) else 1


def _serve(options: argparse.Namespace) -> int:
    from archviz.service.server import run_stdio

    run_stdio(_settings(options))
    return 0


# --- printing -------------------------------------------------------------------------------------------------------


def _print_json(data: object) -> None:
    print(json.dumps(data, indent=2, ensure_ascii=False))


def _gap(gap: GapEntry) -> dict[str, object]:
    return {"module": gap.module, "reason": gap.reason, "at": gap.at}


def _with_gaps(gaps: Sequence[dict[str, object]]) -> int:
    """List the gaps on stderr; the exit status that says whether there were any."""
    rows = [
        f"{gap['module'] or 'the model'}: {gap['reason']}" + (f" ({gap['at']})" if gap["at"] else "") for gap in gaps
    ]
    _list_on_stderr([f"not understood: {row}" for row in rows], "gaps")
    return EXIT_DONE_WITH_GAPS if gaps else 0


def _list_on_stderr(rows: Sequence[str], what: str) -> None:
    for row in rows[:_SHOWN]:
        print(f"archviz: {_shown(row)}", file=sys.stderr)
    if len(rows) > _SHOWN:
        print(f"archviz: … and {len(rows) - _SHOWN} more {what}; --json has all", file=sys.stderr)


def _settings(options: argparse.Namespace) -> Settings:
    return Settings(
        offline=options.offline,
        code=getattr(options, "code", "official"),
        arguments=getattr(options, "arguments", None) or "",
        say=lambda text: print(f"archviz: {_shown(text)}", file=sys.stderr),
    )


# --- the parser -----------------------------------------------------------------------------------------------------


@record(frozen=True)
class _Command:
    name: str
    run: Callable[[argparse.Namespace], int]
    what: str
    arguments: Callable[[argparse.ArgumentParser], None]
    examples: tuple[str, ...]


_QWEN = "Qwen/Qwen3.5-397B-A17B"
_COMMANDS = (
    _Command("resolve", _resolve, "is there a model of exactly this name?", name_argument, (_QWEN, "Qwen3.5 --json")),
    _Command(
        "tensors",
        _tensors,
        "every parameter with its shape",
        model_arguments,
        ("Qwen/Qwen3-0.6B", "transformers:qwen3 --json"),
    ),
    _Command(
        "trace",
        _trace,
        "every module call and op of one forward pass",
        trace_arguments,
        (
            "transformers:qwen3 --seq 16",
            "Qwen/Qwen3-0.6B --cache decode",
            f"{_QWEN} --module model.language_model.layers.3 --json",
        ),
    ),
    _Command(
        "describe", _describe, "the architecture as a text tree", model_arguments, (_QWEN, "./config.json --json")
    ),
    _Command(
        "draw",
        _draw,
        "the architecture as a figure",
        draw_arguments,
        (
            f"{_QWEN} -o qwen3.5 -f png,svg",
            f"{_QWEN} --figure-config mine.json",
            "mine.json -o mine -f pdf --theme dark",
        ),
    ),
    _Command(
        "code-search",
        _code_search,
        "where code does rope, split, norm, moe, attention, kernels, cache or quantization",
        code_search_arguments,
        ("modeling_acme.py --for rope,split", "acme-repository --for moe --class AcmeRouter --json"),
    ),
    _Command(
        "verify",
        _verify,
        "claims about the architecture with the lines that prove them; what others state, checked",
        verify_arguments,
        (f"{_QWEN} --expect layers=60,params=397B", f"{_QWEN} --against mine.json --json"),
    ),
    _Command(
        "sources",
        _sources,
        "what exists for a model: code, configuration, paper, GitHub, card; where they disagree",
        sources_arguments,
        (_QWEN, "GPT-4o --json"),
    ),
    _Command(
        "papers",
        _papers,
        "the paper of exactly this arXiv id or title; its architecture sections as text",
        papers_arguments,
        ("2505.09388 --sections architecture", '"Qwen3 Technical Report" --json'),
    ),
    _Command(
        "checkpoint",
        _checkpoint,
        "every tensor that is stored: name, shape, type, file; headers only, no weights",
        checkpoint_arguments,
        ("Qwen/Qwen3-0.6B", "Qwen/Qwen3-0.6B --csv"),
    ),
    _Command("cache", _cache, "what is kept of the network's answers", cache_arguments, ("info", "clear --json")),
    _Command("schema", _schema, "the JSON schema of describe --json", no_arguments, ("",)),
    _Command("doctor", _doctor, "what is installed, and whether it suffices", no_arguments, ("", "--json")),
    _Command("serve", _serve, "the MCP server over stdio", no_arguments, ("", "--offline")),
)


def _parser(arguments: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The parser; where the first argument names a command, it knows no other."""
    examples = "\n".join(f"  archviz {command.name} {command.examples[0]}".rstrip() for command in _COMMANDS)
    parser = Parser(
        prog="archviz",
        description="The exact architecture of a published model, read from its official code, described and drawn.",
        epilog=f"examples:\n{examples}\n\n{STATUSES}",
        formatter_class=HelpText,
    )
    parser.add_argument("--version", action="version", version=f"archviz {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    named = [command for command in _COMMANDS if command.name in arguments[:1]]
    for command in named or _COMMANDS:
        _add_command(commands, command)
    return parser


def _add_command(commands: argparse._SubParsersAction[Parser], command: _Command) -> None:
    examples = "\n".join(f"  archviz {command.name} {example}".rstrip() for example in command.examples)
    parser = commands.add_parser(
        command.name,
        help=command.what,
        description=f"{command.what[0].upper()}{command.what[1:]}.",
        epilog=f"examples:\n{examples}\n\n{STATUSES}",
        formatter_class=HelpText,
    )
    command.arguments(parser)
    parser.add_argument("--json", action="store_true", help="data as JSON on stdout, errors too")
    parser.add_argument("--offline", action="store_true", help="ask no network: the catalog and files only")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an internal fault")
    parser.set_defaults(run=command.run)
