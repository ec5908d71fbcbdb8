from fleetserve.tasks import Task
from model_registry_svc.categories import CATEGORIES, category_of


def test_every_task_has_a_category() -> None:
    assert {category_of(task) for task in Task} == set(CATEGORIES)


def test_task_that_is_not_known_yet_is_other() -> None:
    assert category_of("") == "other"
