"""Shows a page that runs a model in the browser of this machine.

    cctzoo serve cct_2_3x2_32.cifar10
    cctzoo serve runs/photos --runtime onnx
    cctzoo serve exports/cct_2_3x2_32.cifar10/web

A model is exported to a temporary folder first, as by `cctzoo export MODEL --formats web`; a folder
of that command is shown at once. Drop pictures on the page, or use the camera; for a text model,
write a text. The page shows the classes, the milliseconds, and what each head looks at. Only this
machine can reach it, on 127.0.0.1. Ctrl-C ends it.
"""

import argparse
import webbrowser

from cctzoo import cli, export
from cctzoo.commands.page_flags import add_page_arguments, page_options
from cctzoo.export.web import is_page
from cctzoo.formats.atomic import temporary_folder
from cctzoo.runs import open_model
from cctzoo.training.processes import check_alone
from cctzoo.web_server import PageServer


def main(description: str | None = __doc__) -> None:
    """Runs the command line."""
    parser = make_parser(description)
    options = parser.parse_args()
    cli.show_notices()
    with cli.exit_on_error(parser):
        check_alone("A server")
        if is_page(options.source):
            with PageServer(options.source, options.port) as server:
                serve(server, options)
            return
        # The port is taken before the export, which takes a while.
        with temporary_folder() as folder, PageServer(folder / "page", options.port) as server:
            print("Exporting the model ...", flush=True)
            page = page_options(options)
            print(export.to_web(open_model(options.source), folder / "page", **page))
            serve(server, options)


def serve(server: PageServer, options: argparse.Namespace) -> None:
    """Serves until Ctrl-C."""
    print(f"{server.url} (Ctrl-C ends)", flush=True)
    if not options.no_open:
        webbrowser.open(server.url)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()


def make_parser(description: str | None = __doc__) -> argparse.ArgumentParser:
    """Returns the parser of the command."""
    parser = cli.script_parser(description)
    add = parser.add_argument
    add("source", help=f"{cli.SOURCE_HELP}; or folder of `cctzoo export --formats web`")
    add("--port", type=int, default=8000, help="port; 0 for any free one (8000)")
    add("--no-open", action="store_true", help="do not open the browser")
    add_page_arguments(parser)
    return parser
