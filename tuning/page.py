"""`report.html` of a search: its front, its trials, and which choices matter."""

import dataclasses
import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cctzoo.formats.atomic import write_text
from cctzoo.pages import page
from cctzoo.settings import help_texts
from cctzoo.typing import PathLike
from tuning.importance import LEAST_SCORE, LEAST_TRIALS, measure_importance
from tuning.plan import SearchPlan
from tuning.report import trained_and_front
from tuning.space import HYPERPARAMETERS, SearchSpace

PAGE = "report.html"
FOLDER = Path(__file__).parent
FIGURES = (
    "trial",
    "architecture",
    "status",
    "reason",
    "latency_ms",
    "ratio",
    "accuracy",
    "score",
    "parameters",
    "epochs",
    "seconds",
)


def write_page(
    plan: SearchPlan, directory: PathLike, finals: Sequence[dict[str, Any]] = ()
) -> Path:
    """Writes `report.html` into the directory of a search.

    Args:
        plan: the plan of the search.
        directory: the directory of the search.
        finals: figures of the models that were trained in full, with `trial` and
            `test_accuracy`.

    Returns:
        The path of the page.
    """
    records, trained, front = trained_and_front(directory)
    importances = [
        measure_importance(each, plan.space, plan.base, figure)
        for figure, each in {"accuracy": trained, "latency_ms": records}.items()
    ]
    texts = help_texts(SearchSpace)
    content = {
        "trials": [
            {name: getattr(record, name) for name in FIGURES}
            | {"values": [str(record.values[name]) for name in HYPERPARAMETERS]}
            for record in records
        ],
        "choices": [
            {
                "name": name,
                "help": texts[name],
                "choices": list(map(str, getattr(plan.space, name))),
            }
            for name in HYPERPARAMETERS
        ],
        "front": [record.trial for record in front],
        "finals": [{name: each[name] for name in ("trial", "test_accuracy")} for each in finals],
        "importances": [
            dataclasses.asdict(each) | {"reliable": each.is_reliable} for each in importances
        ],
        "needs": {"trials": LEAST_TRIALS, "score": LEAST_SCORE},
        "plan": _facts(plan),
    }
    title = f"A search on {plan.recipe.dataset}: accuracy and latency"
    sentence = (
        f"{len(records)} trials, of which {len(trained)} trained their model. "
        f"{len(front)} {'model is' if len(front) == 1 else 'models are'} on the front: every other "
        "one is slower or less accurate than one of them."
    )
    path = Path(directory, PAGE)
    body = f"<p>{html.escape(sentence)}</p>"
    style = FOLDER / "js" / "style.css"
    write_text(path, page(title, FOLDER / "js" / "search.js", content, body=body, styles=[style]))
    return path


def _facts(plan):
    """What the page says about the plan."""
    return {
        "model": plan.recipe.model,
        "engine": plan.engine,
        "oracle": plan.oracle,
        "trials": plan.trials,
        "proxy_epochs": plan.proxy_epochs,
        "epochs": plan.recipe.total_epochs,
        "proxy_samples": plan.proxy_samples,
        "seed": plan.seed,
        "target_ms": plan.objective.target_ms,
        "weight": plan.objective.weight,
        "budget_ms": plan.objective.budget_ms,
        "precision": plan.latency.precision,
        "threads": plan.latency.threads,
        "command": plan.latency.command is not None,
    }
