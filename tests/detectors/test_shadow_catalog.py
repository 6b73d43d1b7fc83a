"""Which shadows of a detector a process holds ready."""

from __future__ import annotations

from publishing import PLAN, rule
from shadows_at_work import draft, store_habits

from ringfence.detectors import put_rule, start_shadow, stop_shadow
from ringfence.detectors.catalog import Catalog
from ringfence.detectors.plans import build_plan
from ringfence.models import Trained
from ringfence.storage import Database


def test_a_shadow_is_ready_when_it_is_loaded_and_its_profiles_are_built(
    published: Database, habits: Trained
) -> None:
    with published.write() as connection:
        version = draft(connection, rule("any"), models=[store_habits(connection, habits)])
        start_shadow(connection, "guard", version, by="ann")
    catalog = Catalog()
    with published.read() as connection:
        assert catalog.shadows(connection, "guard").unloaded == {version}
        catalog.prepare(connection, "guard", version)
        crew = catalog.shadows(connection, "guard")
        assert (crew.unloaded, crew.ready, crew.broken) == (set(), {}, {})
        assert catalog.lacking() == [PLAN]
    build_plan(published, PLAN)
    catalog.reconsider()
    with published.read() as connection:
        assert list(catalog.shadows(connection, "guard").ready) == [version]
    assert [ready.version.version for ready in catalog.ready_shadows("guard")] == [version]


def test_after_a_definition_changed_shadows_score_on_until_they_are_looked_at_again(
    published: Database,
) -> None:
    with published.write() as connection:
        version = draft(connection, rule("any"))
        start_shadow(connection, "guard", version, by="ann")
    catalog = Catalog()
    with published.read() as connection:
        catalog.shadows(connection, "guard")
    (before,) = catalog.ready_shadows("guard")
    with published.write() as connection:
        put_rule(connection, "guard", rule("new", "$amount > 1"))
        stop_shadow(connection, "guard", version, by="ann")
    catalog.look_again()
    with published.read() as connection:
        catalog.active(connection, "card_payment", None)
        assert list(catalog.ready_shadows("guard")) == [before]
        catalog.shadows(connection, "guard")
    assert list(catalog.ready_shadows("guard")) == []
