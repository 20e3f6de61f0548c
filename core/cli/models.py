"""`sightline models`: what is in the zoo, from the models' cards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.cli.options import Json
from core.cli.output import print_json, print_line, say_aside
from core.errors import ModelError

if TYPE_CHECKING:
    from models.registry import ModelSummary


def models(as_json: Json = False) -> None:
    """List the models that come with this installation."""
    found = _found()
    if as_json:
        return print_json({"models": [_as_values(model) for model in found]})
    if not found:
        say_aside("The zoo is empty. `sightline train` writes a model folder, which --model takes as it is.")
    for model in found:
        _say(model)
    return None


def _as_values(model: ModelSummary) -> dict[str, Any]:
    """A model as JSON tells it."""
    from core.explain.catalogue import methods_for

    card = model.card
    return {
        "id": model.id,
        "title": card.title,
        "task": card.task,
        "labels": model.labels,
        "modality": card.modality,
        "licence": card.licence,
        "metrics": card.metrics,
        "explanation_methods": methods_for(model),
    }


def _found() -> list[ModelSummary]:
    """Every whole model; a broken one is noted, and does not hide the others."""
    from core.settings import settings
    from models.registry import CONFIG, summarise

    found = []
    for folder in sorted(path.parent for path in settings().zoo.glob(f"*/{CONFIG}")):
        try:
            found.append(summarise(folder.name, folder))
        except ModelError as error:
            say_aside(str(error))
    return found


def _say(model: ModelSummary) -> None:
    from core.explain.catalogue import methods_for

    card = model.card
    print_line(f"{model.id}: {card.title or card.task}")
    print_line(f"  labels: {', '.join(model.labels)}")
    print_line(f"  modality: {card.modality or 'not declared'}; licence: {card.licence or 'not declared'}")
    if card.metrics:
        print_line(f"  metrics: {', '.join(f'{name} {_figure(value)}' for name, value in card.metrics.items())}")
    if model.is_final_fit:
        print_line("  measured before the network went on with every image, those of the figures included")
    print_line(f"  explanation methods: {', '.join(methods_for(model)) or 'none'}")


def _figure(value: Any) -> str:
    """A figure of a card: a number, or [value, low, high] with the ends of its interval, which may be missing."""
    if not isinstance(value, list) or len(value) != 3:
        return str(value)
    return str(value[0]) if None in value[1:] else f"{value[0]} ({value[1]} to {value[2]})"
